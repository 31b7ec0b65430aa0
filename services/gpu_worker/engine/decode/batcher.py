"""Clips of all tasks, gathered into batches for the device.

A batch holds whole clips only, each with a window of its own, so nothing of one recording can reach another's text.
A clip's text does not depend on the other clips of its batch where the device rounds alike for every batch size: a CPU
does, a GPU did with float32 only (docs/engine.md).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

from services.common.domain.errors import DecoderFailedError
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.decoder import FRAME, Decoded, Features
from services.gpu_worker.engine.decode.recipe import Recipe

LINGER_SECONDS = 0.5
"""How long a batch that is not full waits for more clips, while some call is still preparing them."""

T = TypeVar("T")
Watch = Callable[[frozenset[int], float], AbstractContextManager[None]]
"""Makes a context that is entered while the device is busy, from the calls it works for and their seconds of audio."""


def unwatched(_calls: frozenset[int], _seconds: float) -> AbstractContextManager[None]:
    """A `Watch` that reports nothing."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class _Task:
    """A clip in the queue; `call` is the number of the call that it belongs to."""

    clip: Features
    recipe: Recipe
    call: int
    apart: bool
    future: Future[Decoded] = field(default_factory=Future)

    @property
    def kind(self) -> tuple[Recipe, int, bool, int]:
        """What is equal for all tasks of one batch."""
        return self.recipe, self.clip.window, self.apart, self.call if self.apart else 0


class Batcher:
    """A queue of clips, and `workers` threads that each take up to `size` clips with equal recipes from its head."""

    def __init__(
        self,
        decode: Callable[[Sequence[Features], Recipe], list[Decoded | DecoderFailedError]],
        *,
        workers: int,
        size: int,
        watch: Watch = unwatched,
    ) -> None:
        self.size = size
        self.workers = workers
        self._decode = decode
        self._watch = watch
        self._queue: deque[_Task] = deque()
        self._changed = threading.Condition()
        self._preparing = 0
        self._busy = 0
        """Batches on the device."""
        self._reserved = False
        """Whether a batch that stays apart has the device, or waits for it."""
        self._closed = False
        self._threads = [threading.Thread(target=self._work, name=f"decoder-{n}", daemon=True) for n in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(self, clip: Features, recipe: Recipe, *, call: int = 0, apart: bool = False) -> Future[Decoded]:
        """Queue a clip; the future gives its words or the decoder's error.

        `apart`: nothing of another `call` is on the device with it, so that it is known whose fault it is if that dies.
        """
        task = _Task(clip, recipe, call, apart)
        with self._changed:
            self._queue.append(task)
            self._changed.notify_all()
        return task.future

    def ask(
        self, clip: Features, question: Callable[[Features], T], *, call: int = 0, apart: bool = False
    ) -> Future[T]:
        """Put another question about a clip than for its words, beside the queue; the future gives answer or error."""
        future: Future[T] = Future()

        def answer() -> None:
            try:
                with self._on_device(apart=apart), self._watch(frozenset({call}), clip.frames * FRAME / RATE):
                    future.set_result(question(clip))
            except BaseException as error:  # noqa: BLE001 - the future's reader gets it
                future.set_exception(error)

        threading.Thread(target=answer, name="decoder-question", daemon=True).start()
        return future

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Tell that more clips are about to come as long as this context lasts, so that a batch may wait for them."""
        with self._changed:
            self._preparing += 1
        try:
            yield
        finally:
            with self._changed:
                self._preparing -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Stop after the batches that are running; what is still queued is cancelled."""
        with self._changed:
            self._closed = True
            for task in self._queue:
                task.future.cancel()
            self._queue.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._next_batch():
            self._compute(batch)

    def _compute(self, batch: Sequence[_Task]) -> None:
        calls, seconds = frozenset(task.call for task in batch), sum(task.clip.frames for task in batch) * FRAME / RATE
        try:
            with self._on_device(apart=batch[0].apart), self._watch(calls, seconds):
                words = self._decode([task.clip for task in batch], batch[0].recipe)
            decoded = list(zip(batch, words, strict=True))
        except BaseException as error:  # noqa: BLE001 - the future's reader gets it
            if len(batch) == 1:
                batch[0].future.set_exception(error)
            else:
                # Only one of the clips may be at fault, so each is computed alone.
                for task in batch:
                    self._compute([task])
        else:
            for task, one in decoded:
                if isinstance(one, DecoderFailedError):
                    task.future.set_exception(one)
                else:
                    task.future.set_result(one)

    @contextmanager
    def _on_device(self, *, apart: bool) -> Iterator[None]:
        """While a batch is computed; one that stays apart has the device for itself."""
        with self._changed:
            self._changed.wait_for(lambda: not self._reserved)
            if apart:
                # From here on no other batch begins, and this one waits until those that have begun have ended.
                self._reserved = True
                self._changed.wait_for(lambda: not self._busy)
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._reserved = self._reserved and not apart
                self._changed.notify_all()

    def _next_batch(self) -> list[_Task]:
        """Wait for work and take it; nothing once the batcher is closed."""
        with self._changed:
            while not self._closed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                deadline = time.monotonic() + LINGER_SECONDS
                while self._preparing and len(self._queue) < self.size and not self._closed:
                    if not self._changed.wait(timeout=max(deadline - time.monotonic(), 0)):
                        break
                if batch := self._take():
                    return batch
            return []

    def _take(self) -> list[_Task]:
        """Up to `size` clips that may share a batch with the one that waited longest; the others keep their places."""
        batch: list[_Task] = []
        others: list[_Task] = []
        while self._queue and len(batch) < self.size:
            task = self._queue.popleft()
            if batch and task.kind != batch[0].kind:
                others.append(task)
            elif task.future.set_running_or_notify_cancel():
                batch.append(task)
        self._queue.extendleft(reversed(others))
        return batch
