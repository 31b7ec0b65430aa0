"""Finds, by their bytes alone, where a file begins inside another one, and where reading can resume behind damage."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

ANYWHERE = frozenset({"mpeg", "mpegts"})
"""Formats in which reading can resume at any byte."""
FRAGMENTED = frozenset({"mov"})
"""Formats in which reading can resume at a fragment, if the head of the file is put before it."""
# By format: the magic bytes at a file's beginning, how many bytes come before those, and one of what must follow soon.
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
_SECOND_BOXES = frozenset({b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"uuid", b"styp", b"sidx", b"pdin"})
_HEAD = 64
"""How many bytes of a beginning are looked at."""


def next_beginning(path: Path, form: str, after: int) -> int | None:
    """The first byte at or behind `after` where a file of the format begins or reading can resume; None without one."""
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
    """The first bytes of the first fragment of an MP4 at or behind `after`, and of the file's first fragment.

    Every fragment needs what comes before the file's first one. None where there is no such fragment.
    """
    if form not in FRAGMENTED:
        return None
    found = _first_fragment(path, after)
    first = _first_fragment(path, 0) if found is not None else None
    return (found, first) if found is not None and first is not None and first < found else None


def _first_fragment(path: Path, after: int) -> int | None:
    return next((at for at, head in _found(path, b"moof", after, 4) if head[12:16] == b"mfhd"), None)


def _found(path: Path, magic: bytes, after: int, before: int) -> Iterator[tuple[int, bytes]]:
    """Each place, at or behind `after`, that is `before` bytes before the magic bytes, with the bytes there.

    The file is read a little at a time, as a search in bytes holds the interpreter's lock.
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
