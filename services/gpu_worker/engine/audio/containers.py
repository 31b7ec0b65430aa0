"""Opens a file for FFmpeg's demuxers, from its beginning or from a byte further on.

FFmpeg reads far more than media: playlists that name other files, device inputs, addresses. Only the container formats
of a list are opened, and only by the protocol `file`.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import av

from services.common.domain.errors import InvalidMediaError
from services.common.domain.media_types import FORMAT_WHITELIST
from services.gpu_worker.engine.audio import refusals
from services.gpu_worker.engine.audio.beginnings import next_beginning
from services.gpu_worker.engine.audio.riff import wav
from services.gpu_worker.engine.audio.tags import id3_length
from services.gpu_worker.engine.faults import is_of_the_machine

Untyped: TypeAlias = Any
"""An object of a library without type information."""

STAMPLESS = frozenset({"mp3", "aac", "ac3", "eac3", "amr", "wav", "w64", "aiff", "au"})
"""Formats without stamps of their own. FFmpeg counts samples instead, and wrongly where the rate changes."""
_TS_DISCONT = 0x0200
"""libavformat's flag for formats in which stamps may be set anew at any moment."""
BOUNDED = frozenset({"flac", "matroska", "mov"})
"""Formats in which FFmpeg reads on into a file that was appended, as if that belonged to the first."""
SMALL = 64 * 2**20
"""Bytes; a smaller file is quickly searched."""


@contextmanager
def opened(path: Path, start: int = 0, form: str | None = None, head: int = 0) -> Iterator[Untyped]:
    """The file as a container of PyAV.

    Args:
        path: the file.
        start: the byte from which on it is read.
        form: the name of its format; None lets FFmpeg find out.
        head: how many bytes of the file's beginning are put before `start`.

    Raises:
        InvalidMediaError: it is in no format that is read here.

    """
    with ExitStack() as stack:

        def open_(form: str | None, end: int | None = None, **options: str) -> Untyped:
            file: str | io.FileIO = f"file:{path}"
            if head:
                file = stack.enter_context(_Fragments(path, head, start))
            elif start or end is not None:
                file = stack.enter_context(_Part(path, start, end))
            return stack.enter_context(_open(file, form, options))

        header = None if start else wav(path)
        if header and header.is_stale:
            container = open_("wav", ignore_length="1")
        elif header and header.ends_in_zeros:
            container = open_(None, header.start + (header.size or 0))
        else:
            container = open_(form)
        if name(container) == "aac":  # with its parser, packets lose their positions
            container = open_("aac", fflags="noparse")
        elif (end := _bound(path, container, start)) is not None:
            with suppress(InvalidMediaError):  # then no other file begins there
                container = open_(name(container), end)
        yield container


def _open(file: str | io.FileIO, form: str | None, options: dict[str, str]) -> Untyped:
    allowed = {"protocol_whitelist": "file", "format_whitelist": FORMAT_WHITELIST}
    try:
        return av.open(file, format=form, options=allowed | options, metadata_errors="ignore")
    except Exception as error:
        if is_of_the_machine(error):
            raise
        raise refusals.unknown_format() from error


def _bound(path: Path, container: Untyped, start: int) -> int | None:
    """The byte at which an appended file begins that FFmpeg would read as a part of this one; None without one.

    A long video takes long to search, so only small files and files without pictures are searched.
    """
    sound_alone = len(container.streams) == len(container.streams.audio)
    if name(container) not in BOUNDED or not (sound_alone or path.stat().st_size < SMALL):
        return None
    return next_beginning(path, name(container), start + id3_length(path, start) + 1)


def name(container: Untyped) -> str:
    """The first of the format's names, such as `mov`."""
    return str(container.format.name.partition(",")[0])


def is_spliced(container: Untyped) -> bool:
    """Whether stamps may be set anew at any moment, as in broadcasts."""
    return bool(container.format.flags & _TS_DISCONT)


class _Part(io.FileIO):
    """A file of which only the bytes from `start` to before `end` are seen."""

    def __init__(self, path: Path, start: int, end: int | None = None) -> None:
        super().__init__(path, "rb")
        self._start = start
        self._end = path.stat().st_size if end is None else end
        super().seek(start)

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._end - super().tell())
        return super().read(left if size is None or size < 0 else min(size, left)) or b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: self._start, io.SEEK_CUR: super().tell(), io.SEEK_END: self._end}[whence]
        return super().seek(base + offset) - self._start

    def tell(self) -> int:
        return super().tell() - self._start


class _Fragments(io.FileIO):
    """An MP4 in which everything between its head and a fragment is shown as a free box.

    A fragment holds its own position in the file, so it has to stay where it is.
    """

    def __init__(self, path: Path, head: int, start: int) -> None:
        super().__init__(path, "rb")
        self._head, self._start = head, start
        self._box = struct.pack(">I4sQ", 1, b"free", start - head)

    def read(self, size: int | None = -1) -> bytes:
        position = self.tell()
        limit = self._head - position if position < self._head else self._start - position
        if limit <= 0:
            return super().read(size) or b""
        wanted = limit if size is None or size < 0 else min(size, limit)
        if position < self._head:
            return super().read(wanted) or b""
        self.seek(position + wanted)
        return (self._box[position - self._head :] + bytes(wanted))[:wanted]
