"""The content of an object between moto and the disk."""

from __future__ import annotations

import io
import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

_BLOCK = 1 << 20


def content_of(key: Any) -> Callable[[IO[bytes]], object] | None:
    """What writes the content of an object or a part into a file, as it is now, even if moto drops it meanwhile.

    None: it is on disk already, where it stays, since moto goes on reading it there.

    Args:
        key: moto's object, which nobody drops during this call.

    """
    buffer = key._value_buffer
    if isinstance(buffer, KeptContent):
        return None
    if isinstance(buffer._file, io.BytesIO):
        value = buffer._file.getvalue()
        return lambda file: file.write(value)
    return _Unnamed(buffer).copy


class _Unnamed:
    """A temporary file of moto's, which has no name and lives as long as somebody has it open."""

    def __init__(self, buffer: Any) -> None:
        buffer.flush()
        self._number = os.dup(buffer.fileno())
        weakref.finalize(self, os.close, self._number)

    def copy(self, to: IO[bytes]) -> None:
        place = 0
        # The place in the file is shared with moto's readers, so it is neither used nor moved.
        while block := os.pread(self._number, _BLOCK, place):
            place += to.write(block)


class KeptContent:
    """The content of an object that is on disk; in the place of the temporary file in which moto has it otherwise."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def give_to(self, key: Any) -> None:
        """Make this the content of moto's object."""
        key._value_buffer.close()
        key._value_buffer = self
        key.contentsize = self.size

    def seek(self, place: int) -> None:
        """Moto reads whole contents only, from the beginning."""

    def read(self) -> bytes:
        number = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(number, "rb") as file:
            return file.read()

    def close(self) -> None:
        """Nothing is open."""
