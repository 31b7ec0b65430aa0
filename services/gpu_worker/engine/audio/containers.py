"""Opening a file, and opening it again further on: what FFmpeg may read, and where its formats can be taken up.

FFmpeg reads far more than media: playlists that name other files, device inputs, addresses. Only the container formats
that are listed are opened, and only the protocol `file`.
"""

from __future__ import annotations

import errno
import functools
import io
import struct
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import av

from services.common.domain.errors import InvalidMediaError
from services.common.domain.media_types import FORMAT_WHITELIST
from services.gpu_worker.engine.audio.riff import wav

Untyped: TypeAlias = Any
"""An object of a library without type information."""

STAMPLESS = frozenset({"mp3", "aac", "ac3", "eac3", "amr", "wav", "w64", "aiff", "au"})
"""Formats whose sound has no stamps of its own: FFmpeg counts, and counts wrongly where the rate changes."""
ANYWHERE = frozenset({"mpeg", "mpegts"})
"""Formats that can be taken up anywhere."""
_TS_DISCONT = 0x0200
"""libavformat's flag for formats in which stamps may be set anew at any moment."""
FRAGMENTED = frozenset({"mov"})
"""Formats that can be taken up at a fragment, with the head of the file."""
BOUNDED = frozenset({"flac", "matroska", "mov"})
"""Formats that FFmpeg reads on into the next file, by the rules of the first."""
# How a file of a format begins, how many bytes before that, and what must be among the bytes that follow: where one was
# joined to another, or where reading can be taken up behind damage.
_BEGINNINGS: Mapping[str, tuple[bytes, int, tuple[bytes, ...]]] = {
    "aiff": (b"FORM", 0, (b"AIFF", b"AIFC")),
    "amr": (b"#!AMR", 0, ()),
    "asf": (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\0\xaa\0b\xcel", 0, ()),
    "au": (b".snd", 0, ()),
    "avi": (b"RIFF", 0, (b"AVI ",)),
    "caf": (b"caff", 0, (b"desc",)),
    "flac": (b"fLaC", 0, (b"\0\0\x22",)),
    "flv": (b"FLV\x01", 0, ()),
    "matroska": (b"\x1aE\xdf\xa3", 0, (b"webm", b"matroska")),
    "mov": (b"ftyp", 4, ()),
    "mpeg": (b"\0\0\x01\xba", 0, ()),
    "mpegts": (b"", 0, ()),
    "mxf": (b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02\x01\x01\x02", 0, ()),
    "ogg": (b"OggS\0\x02", 0, ()),
    "tta": (b"TTA1", 0, ()),
    "w64": (b"riff\x2e\x91\xcf\x11", 0, ()),
    "wav": (b"RIFF", 0, (b"WAVE",)),
    "wv": (b"wvpk", 0, ()),
}
_OF_THE_MACHINE = frozenset({errno.ENOENT, errno.EACCES, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC})
"""Not EIO, which FFmpeg says of files that end too early."""
_SECOND_BOXES = frozenset({b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"uuid", b"styp", b"sidx", b"pdin"})
_ID3_HEAD = 10
SMALL = 64 * 2**20
"""Bytes."""
_HEAD = 64
"""Bytes behind the first ones that are looked at."""


@contextmanager
def opened(path: Path, start: int = 0, form: str | None = None, head: int = 0) -> Iterator[Untyped]:
    """The file as a container, from the byte `start` on, or with nothing between that and its first `head` bytes.

    Raises InvalidMediaError.
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
        if name(container) == "aac":  # its parser forgets where packets lie
            container = open_("aac", fflags="noparse")
        elif (end := _bound(path, container, start)) is not None:
            with suppress(InvalidMediaError):  # then it was no other file
                container = open_(name(container), end)
        yield container


def _open(file: str | io.FileIO, form: str | None, options: dict[str, str]) -> Untyped:
    allowed = {"protocol_whitelist": "file", "format_whitelist": FORMAT_WHITELIST}
    try:
        return av.open(file, format=form, options=allowed | options, metadata_errors="ignore")
    except Exception as error:
        if is_of_the_machine(error):
            raise
        raise InvalidMediaError("The file is no audio or video in a format that is read here.") from error


def is_of_the_machine(error: Exception) -> bool:
    """Whether an error says something of this machine; all others that a library raises say it of the file."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _OF_THE_MACHINE)


def _bound(path: Path, container: Untyped, start: int) -> int | None:
    """Where another file begins that FFmpeg would read by the rules of this one; looked for in what is small, or sound
    without pictures, as a long video takes long to search.
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


def next_beginning(path: Path, form: str, after: int) -> int | None:
    """Where, behind a byte, a file of the format begins, or can be taken up again."""
    facts = path.stat()
    return _next_beginning(path, form, after, facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _next_beginning(path: Path, form: str, after: int, _size: int, _modified: int) -> int | None:
    if form not in _BEGINNINGS:
        return None
    magic, before, wanted = _BEGINNINGS[form]
    for found, head in _found(path, magic, after, before):
        if form == "mov" and not _is_first_box(head):
            continue
        if not wanted or any(one in head for one in wanted):
            return found
    return None


def _is_first_box(head: bytes) -> bool:
    """Whether an MP4's first box is followed by another that may come second."""
    size = int.from_bytes(head[:4], "big")
    return 8 <= size <= _HEAD - 8 and head[size + 4 : size + 8] in _SECOND_BOXES  # noqa: PLR2004 - size and name


def next_fragment(path: Path, form: str, after: int) -> tuple[int, int] | None:
    """Where, behind a byte, a fragment of an MP4 begins, and where the first one does: what is before it, all need."""
    if form not in FRAGMENTED:
        return None
    found = _first_fragment(path, after)
    first = _first_fragment(path, 0) if found is not None else None
    return (found, first) if found is not None and first is not None and first < found else None


def _first_fragment(path: Path, after: int) -> int | None:
    return next((at for at, head in _found(path, b"moof", after, 4) if head[12:16] == b"mfhd"), None)


def _found(path: Path, magic: bytes, after: int, before: int) -> Iterator[tuple[int, bytes]]:
    """Each place, behind a byte, that is so many bytes before the magic ones, with what is there.

    It is read a little at a time, as a search stops all threads.
    """
    base, content = after, b""
    with path.open("rb") as file:
        file.seek(after)
        while more := file.read(2**20):
            content += more
            at = content.find(magic, before)
            while 0 <= at <= len(content) - _HEAD:
                yield base + at - before, content[at - before : at - before + _HEAD]
                at = content.find(magic, at + 1)
            keep = at - before if at >= 0 else max(0, len(content) - _HEAD + 1)
            base, content = base + keep, content[keep:]


def id3_length(path: Path, position: int) -> int:
    """Length of the ID3 tag at a byte; 0 where there is none."""
    with path.open("rb") as file:
        file.seek(position)
        return _id3_length(file.read(_ID3_HEAD))


def _id3_length(head: bytes) -> int:
    if len(head) < _ID3_HEAD or not head.startswith(b"ID3") or max(head[6:_ID3_HEAD]) > 0x7F:  # noqa: PLR2004 - 7 bits
        return 0
    sizes = zip(head[6:_ID3_HEAD], (21, 14, 7, 0), strict=True)
    return _ID3_HEAD + sum(byte << shift for byte, shift in sizes)


def is_tagged(path: Path, start: int, end: int) -> bool:
    """Whether between two places files of frames were joined: there are tags, and no sound is missing."""
    with path.open("rb") as file:
        file.seek(start)
        content = file.read(min(end - start, SMALL))
    found = content.find(b"ID3")
    tag = found >= 0 and _id3_length(content[found : found + _ID3_HEAD]) > 0
    return tag or content.startswith(b"TAG") or b"APETAGEX" in content


class _Part(io.FileIO):
    """A file as if it began at one byte of it and ended at another."""

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
    """An MP4 in which all between its head and a fragment is a free box: fragments know where in the file they lie."""

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
