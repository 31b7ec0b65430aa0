"""The listening copy: a recording's sound as AAC, for browsers that do not play the recording itself.

It is encoded on a thread of its own, from the spool. So reading never waits for it, and needs no more memory.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeAlias

import av
import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.audio.samples import BLOCK
from services.gpu_worker.engine.audio.sound import RATE

Sound: TypeAlias = npt.NDArray[np.int16]
"""Of all voices together, shape (samples,)."""
BIT_RATE = 32_000
"""14 MB an hour."""
_SAMPLE = 2
"""Bytes of a sample in the spool."""
_LESS_URGENT = 5
"""How nice the thread is: the first text comes before the copy, but a plan waits for it."""


class GivenUpError(Exception):
    """The copy is not needed any more."""


class Copying:
    """Writes one copy. A reading tells it what has come into the spool; nothing is encoded before `begin`."""

    def __init__(self, destination: Path, voices: Callable[[], list[Path]]) -> None:
        """`voices`: gives the files of the spool, one a voice, once some sound is in them."""
        self._destination = destination
        self._voices = voices
        self._stretches: queue.SimpleQueue[tuple[int, int] | None] = queue.SimpleQueue()
        """Samples of silence, and how many of the spool follow it; None after the last ones."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="copying", daemon=True)
        self.error: Exception | None = None
        """Why there is no copy, once it has ended."""

    @property
    def begun(self) -> bool:
        return self._thread.ident is not None

    def begin(self) -> None:
        """Begin to encode, if that has not begun."""
        if not self.begun:
            self._thread.start()

    def push(self, silence: int, samples: int) -> None:
        """Tell that so many samples more are in the spool, and how many of silence come before them."""
        self._stretches.put((silence, samples))

    def finish(self) -> None:
        """Tell that the sound is whole."""
        self._stretches.put(None)

    def wait(self, seconds: float) -> bool:
        """Wait for its end, for so many seconds at most; whether nothing is being written any more."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def give_up(self) -> None:
        """End the work; what was written is removed. Nothing happens to a copy that is whole."""
        self._over.set()
        self._stretches.put(None)
        if self.begun:
            self._thread.join()

    def _run(self) -> None:
        # Of this thread alone: Linux has a niceness for each.
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LESS_URGENT)
        try:
            with _encoder(self._destination) as encode:
                for block in self._mixed():
                    encode(block)
        except Exception as error:  # noqa: BLE001 - whoever asked for the copy goes on without it
            self.error = error
            with suppress(OSError):
                self._destination.unlink()

    def _mixed(self) -> Iterator[Sound]:
        """The sound of all voices together, with its pauses, in blocks of a second at most."""
        with ExitStack() as open_files:
            files: list[BinaryIO] = []
            while stretch := self._stretches.get():
                silence, samples = stretch
                files = files or [open_files.enter_context(file.open("rb")) for file in self._voices()]
                for count in _blocks(silence):
                    self._go_on()
                    yield np.zeros(count, np.int16)
                for count in _blocks(samples):
                    self._go_on()
                    voices = [np.frombuffer(file.read(count * _SAMPLE), np.int16) for file in files]
                    yield voices[0] if len(voices) == 1 else _sum(voices)
            self._go_on()

    def _go_on(self) -> None:
        if self._over.is_set():
            raise GivenUpError


def _blocks(samples: int) -> Iterator[int]:
    for start in range(0, samples, BLOCK):
        yield min(BLOCK, samples - start)


def _sum(voices: list[Sound]) -> Sound:
    """Voices together: mostly one of them speaks, so they stay as loud as they are."""
    return np.clip(np.sum(voices, axis=0, dtype=np.int32), -32768, 32767).astype(np.int16)


@contextmanager
def _encoder(destination: Path) -> Iterator[Callable[[Sound], None]]:
    """Writes an M4A whose index comes before its sound, so that a browser has it with its first request."""
    with av.open(str(destination), "w", format="ipod", options={"movflags": "+faststart"}) as container:
        # The better way to choose scale factors takes three times as long.
        stream = container.add_stream("aac", rate=RATE, layout="mono", options={"aac_coder": "fast"})
        stream.bit_rate = BIT_RATE
        position = 0

        def encode(block: Sound) -> None:
            nonlocal position
            frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), "s16", "mono")
            frame.rate, frame.pts = RATE, position
            position += len(block)
            container.mux(stream.encode(frame))

        yield encode
        container.mux(stream.encode(None))
