"""Tags in files that consist of frames of sound only: at the beginning, or in the middle, where files were joined."""

from __future__ import annotations

from pathlib import Path

_ID3_HEAD = 10
_MOST = 64 * 2**20
"""Bytes that are searched at most."""


def id3_length(path: Path, position: int) -> int:
    """The length in bytes of the ID3 tag at a byte; 0 where there is none."""
    with path.open("rb") as file:
        file.seek(position)
        return _id3_length(file.read(_ID3_HEAD))


def _id3_length(head: bytes) -> int:
    if len(head) < _ID3_HEAD or not head.startswith(b"ID3") or max(head[6:_ID3_HEAD]) > 0x7F:  # noqa: PLR2004 - 7 bits
        return 0
    sizes = zip(head[6:_ID3_HEAD], (21, 14, 7, 0), strict=True)
    return _ID3_HEAD + sum(byte << shift for byte, shift in sizes)


def is_tagged(path: Path, start: int, end: int) -> bool:
    """Whether tags lie between two bytes of a file: then files were joined there, and no sound is missing."""
    with path.open("rb") as file:
        file.seek(start)
        content = file.read(min(end - start, _MOST))
    found = content.find(b"ID3")
    tag = found >= 0 and _id3_length(content[found : found + _ID3_HEAD]) > 0
    return tag or content.startswith(b"TAG") or b"APETAGEX" in content
