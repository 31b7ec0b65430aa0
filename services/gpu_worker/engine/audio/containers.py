"""Opening a file, and opening it again further on: what FFmpeg may read, and where its formats can be taken up.

FFmpeg reads far more than media: playlists that name other files, device inputs, addresses. Only the container formats
that are listed are opened, and only the protocol `file`.
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeAlias

import av

from services.common.domain.errors import InvalidMediaError
from services.common.domain.media_types import FORMAT_WHITELIST

Untyped: TypeAlias = Any
"""An object of a library without type information."""

STAMPLESS = frozenset({"mp3", "aac", "ac3", "eac3", "amr", "wav", "w64", "aiff", "au"})
"""Formats whose sound has no stamps of its own: FFmpeg counts, and counts wrongly where the rate changes."""
ANYWHERE = frozenset({"mpeg", "mpegts"})
"""Formats that can be taken up anywhere."""
_TS_DISCONT = 0x0200
"""libavformat's flag for formats in which stamps may be set anew at any moment."""
# How a file of a format begins, and how many bytes before that: where one was joined to another, or where reading can
# be taken up behind damage.
_BEGINNINGS = {
    "amr": (b"#!AMR", 0),
    "asf": (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\0\xaa\0b\xcel", 0),
    "wav": (b"RIFF", 0),
    "avi": (b"RIFF", 0),
    "aiff": (b"FORM", 0),
    "au": (b".snd", 0),
    "caf": (b"caff", 0),
    "flac": (b"fLaC", 0),
    "flv": (b"FLV\x01", 0),
    "matroska": (b"\x1aE\xdf\xa3", 0),
    "mov": (b"ftyp", 4),
    "mpeg": (b"\0\0\x01\xba", 0),
    "mpegts": (b"", 0),
    "mxf": (b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02\x01\x01\x02", 0),
    "ogg": (b"OggS\0\x02", 0),
    "tta": (b"TTA1", 0),
    "w64": (b"riff\x2e\x91\xcf\x11", 0),
    "wv": (b"wvpk", 0),
}


@contextmanager
def opened(path: Path, start: int = 0, form: str | None = None) -> Iterator[Untyped]:
    """The file as a container, from the byte `start` on. Raises InvalidMediaError."""
    with _Rest(path, start) if start else nullcontext() as rest:
        container = _open(rest or f"file:{path}", form)
        if name(container) == "aac":
            container.close()
            container = _open(rest or f"file:{path}", "aac", fflags="noparse")  # its parser forgets where packets lie
        with container:
            yield container


def _open(file: str | io.FileIO, form: str | None, **options: str) -> Untyped:
    allowed = {"protocol_whitelist": "file", "format_whitelist": FORMAT_WHITELIST}
    try:
        if not isinstance(file, str):
            file.seek(0)
        return av.open(file, format=form, options=allowed | options, metadata_errors="ignore")
    except Exception as error:  # whatever a library says of it, the file is at fault
        raise InvalidMediaError("The file is no audio or video in a format that is read here.") from error


def name(container: Untyped) -> str:
    """The first of the format's names, such as `mov`."""
    return str(container.format.name.partition(",")[0])


def is_spliced(container: Untyped) -> bool:
    """Whether stamps may be set anew at any moment, as in broadcasts."""
    return bool(container.format.flags & _TS_DISCONT)


def next_beginning(path: Path, form: str, after: int) -> int | None:
    """Where, behind a byte, a file of the format can be taken up again."""
    if form not in _BEGINNINGS or after >= path.stat().st_size:
        return None
    magic, before = _BEGINNINGS[form]
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        found = content.find(magic, after + before)
    return found - before if found >= 0 else None


class _Rest(io.FileIO):
    """A file as if it began at a byte of it."""

    def __init__(self, path: Path, start: int) -> None:
        super().__init__(path, "rb")
        self._start = start
        super().seek(start)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET:
            offset += self._start
        return super().seek(offset, whence) - self._start

    def tell(self) -> int:
        return super().tell() - self._start
