"""Messages over a one-way pipe that are read piece by piece, so that a reader can stop waiting in the middle of one.

`multiprocessing` reads a message in one call. If its writer stops in the middle, the reader waits for ever. A clip is
larger than a pipe's buffer, so a writer that stops usually does so in the middle of a message.
"""

from __future__ import annotations

import os
import pickle
import select
import struct
from typing import Any

_LENGTH = struct.Struct("!Q")
_MOST_BYTES = 1 << 16


def send(descriptor: int, message: object) -> None:
    """Write a message to the file descriptor of a pipe; wait until it has been read, except for what the pipe holds.

    Raises:
        BrokenPipeError: the reading end is closed.

    """
    content = pickle.dumps(message)
    left = memoryview(_LENGTH.pack(len(content)) + content)
    while left:
        left = left[os.write(descriptor, left) :]


class Frames:
    """Reads messages from the file descriptor of a pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._read = bytearray()
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def receive(self, seconds: float) -> Any:  # noqa: ANN401 - whatever was sent
        """Return the next message.

        Raises:
            TimeoutError: nothing more of it arrived for `seconds`.
            EOFError: the other end is closed, perhaps in the middle of a message.

        """
        while not (message := self._whole()):
            if not self._poll.poll(seconds * 1_000):
                raise TimeoutError
            if not (piece := os.read(self._descriptor, _MOST_BYTES)):
                raise EOFError
            self._read += piece
        return pickle.loads(message)  # noqa: S301 - of a process of ours

    def _whole(self) -> bytes | None:
        if len(self._read) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._read)[0]
        if len(self._read) < end:
            return None
        message = bytes(self._read[_LENGTH.size : end])
        del self._read[:end]
        return message
