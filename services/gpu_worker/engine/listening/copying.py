"""The listening copy: a recording's sound as AAC, for browsers that do not play the recording itself.

It is encoded on a thread of its own, from the spool. So reading never waits for it, and needs no more memory.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from services.gpu_worker.engine.audio.samples import BLOCK
from services.gpu_worker.engine.listening.encoding import Encoder, Mono, encoder

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
        if self.begun or self.error:
            return
        try:
            self._thread.start()
        except RuntimeError as error:  # the system has no thread left
            self.error = error

    def push(self, silence: int, samples: int) -> None:
        """Tell that so many samples more are in the spool, and how many of silence come before them."""
        self._stretches.put((silence, samples))

    def finish(self) -> None:
        """Tell that the sound is whole."""
        self._stretches.put(None)

    def wait(self, seconds: float) -> bool:
        """Wait for its end, for so many seconds at most; whether nothing is being written any more."""
        if self.begun:
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
            with encoder(self._destination) as made:
                self._encode(made)
        except Exception as error:  # noqa: BLE001 - whoever asked for the copy goes on without it
            self.error = error
            with suppress(OSError):
                self._destination.unlink()

    def _encode(self, made: Encoder) -> None:
        with ExitStack() as open_files:
            files: list[BinaryIO] = []
            while stretch := self._stretches.get():
                silence, samples = stretch
                files = files or [open_files.enter_context(file.open("rb")) for file in self._voices()]
                self._go_on()
                if silence:
                    made.silence(silence)
                for start in range(0, samples, BLOCK):
                    self._go_on()
                    wanted = min(BLOCK, samples - start) * _SAMPLE
                    made.sound(_together([np.frombuffer(file.read(wanted), np.int16) for file in files]))
            self._go_on()

    def _go_on(self) -> None:
        if self._over.is_set():
            raise GivenUpError


def _together(voices: list[Mono]) -> Mono:
    """Voices as one, as loud as they are, since mostly one of them speaks."""
    if len(voices) == 1:
        return voices[0]
    return np.clip(np.sum(voices, axis=0, dtype=np.int32), -32768, 32767).astype(np.int16)
