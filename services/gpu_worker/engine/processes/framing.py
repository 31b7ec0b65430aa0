"""Messages over a one-way pipe, read piece by piece: whoever waits for one can stop in the middle of it.

A message of `multiprocessing` is read in one go, and a writer that stands still half-way through holds its reader for
ever. A clip is larger than what a pipe holds, so half-way through is where writers mostly are.
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
    """Write a message, waiting for whoever reads.

    Raises:
        BrokenPipeError: nobody does.

    """
    content = pickle.dumps(message)
    left = memoryview(_LENGTH.pack(len(content)) + content)
    while left:
        left = left[os.write(descriptor, left) :]


class Frames:
    """The reading end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._read = bytearray()
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def receive(self, seconds: float) -> Any:  # noqa: ANN401 - whatever was sent
        """The next message.

        Raises:
            TimeoutError: it is not there, or not all of it, after so long.
            EOFError: the other end is closed, perhaps in the middle of one.

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
