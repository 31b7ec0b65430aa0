"""The bytes of a recording on this machine, which several threads may read at once. They are never all in memory."""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any

from services.cli.errors import RefusedError
from services.cli.printing import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO
    from pathlib import Path

PIECE = 1 << 18
"""Bytes that are read at a time."""


class Content:
    """An open file, with the length that it has now."""

    def __init__(self, file: FileIO, word: str) -> None:
        self._number = file.fileno()
        self.word = word
        """How a person calls it."""
        self._found = self._stamp()
        self.size, self.modified = self._found
        """Bytes, and when the file was last changed, in nanoseconds of the epoch."""

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` on, `length` of them.

        Raises:
            RefusedError: the file has become shorter, or can no longer be read.

        """
        end = self.size if length is None else start + length
        while start < end:
            try:
                piece = os.pread(self._number, min(PIECE, end - start), start)
            except OSError as error:
                raise _not_readable(self.word, error) from None
            if not piece:
                raise self._changed()
            yield piece
            start += len(piece)

    def check(self) -> None:
        """Raise a `RefusedError` if the file is not what it was."""
        if self.has_changed():
            raise self._changed()

    def has_changed(self) -> bool:
        """Whether the file is not what it was."""
        return self._stamp() != self._found

    def as_file(self, read: Callable[[int], None]) -> BufferedReader:
        """The whole as a file, for what takes files; `read` is called with the bytes that have been read."""
        return BufferedReader(_Stream(self, read), PIECE)

    def sha256(self, read: Callable[[int], None]) -> str:
        """The checksum of the whole, in base64; `read` as above."""
        digest, done = hashlib.sha256(), 0
        for piece in self.pieces():
            digest.update(piece)
            read(done := done + len(piece))
        return base64.b64encode(digest.digest()).decode()

    def crc32(self, read: Callable[[int], None]) -> str:
        """The same with CRC-32, in network order."""
        digest = done = 0
        for piece in self.pieces():
            digest = zlib.crc32(piece, digest)
            read(done := done + len(piece))
        return base64.b64encode(digest.to_bytes(4, "big")).decode()

    def _changed(self) -> RefusedError:
        return RefusedError(
            f"{shown(self.word)} has changed while it was sent: run the command again once it stays as it is."
        )

    def _stamp(self) -> tuple[int, int]:
        about = os.fstat(self._number)
        return about.st_size, about.st_mtime_ns


class _Stream(RawIOBase):
    """A content with a place in it, as Python's files have one."""

    def __init__(self, content: Content, read: Callable[[int], None]) -> None:
        self._content = content
        self._told = read
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._content.size}[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever holds bytes
        length = min(len(buffer), self._content.size - self._place)
        piece = next(self._content.pieces(self._place, length), b"")
        buffer[: len(piece)] = piece
        self._place += len(piece)
        self._told(self._place)
        return len(piece)


@contextmanager
def of_file(path: Path, word: str) -> Iterator[Content]:
    """Open a file of this machine.

    Raises:
        RefusedError: it cannot be read, or is empty by now.

    """
    try:
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise _not_readable(word, error) from None
    with file:
        content = Content(file, word)
        if not content.size:
            raise RefusedError(f"{shown(word)} is empty: there is nothing to transcribe.")
        yield content


def _not_readable(word: str, error: OSError) -> RefusedError:
    return RefusedError(f"{shown(word)} cannot be read ({error.strerror}): check it, and try again.")
