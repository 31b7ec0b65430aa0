"""Clips of all tasks, gathered into batches for the device.

A batch holds whole clips only, each with a window of its own, so nothing of one recording can reach another's text.
A clip's text does not depend on the other clips of its batch where the device rounds alike for every batch size: a CPU
does, a GPU did with float32 only (docs/engine.md).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from services.common.domain.errors import DecoderFailedError
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.decoder import Decoded
from services.gpu_worker.engine.decode.features import FRAME, Features
from services.gpu_worker.engine.decode.recipe import Recipe
from services.gpu_worker.engine.decode.turns import Turn, Turns

FIRST_CLIPS = 4
"""The most clips of one caller in its first batch, so that its first text comes soon."""

T = TypeVar("T")
Watch = Callable[[frozenset[int], float], AbstractContextManager[None]]
"""Makes a context that is entered while the device is busy, from the calls it works for and their seconds of audio."""


def unwatched(_calls: frozenset[int], _seconds: float) -> AbstractContextManager[None]:
    """A `Watch` that reports nothing."""
    return nullcontext()


@dataclass(eq=False, slots=True)
class Caller:
    """Whose clips they are: a call, by its number."""

    call: int = 0
    apart: bool = False
    """Whether nothing of others is on the device with its clips, so that it is known whose fault it is if that dies."""
    begun: bool = False
    """Whether a batch with a clip of it has been taken."""


@dataclass(frozen=True, eq=False, slots=True)
class _Task:
    """A clip in the queue."""

    clip: Features
    recipe: Recipe
    caller: Caller
    future: Future[Decoded] = field(default_factory=Future)

    @property
    def kind(self) -> tuple[Recipe, int, Caller | None]:
        """What is equal for all tasks of one batch."""
        return self.recipe, self.clip.window, self.caller if self.caller.apart else None


class Decode(Protocol):
    """See `Decoder.decode`."""

    def __call__(
        self, clips: Sequence[Features], recipe: Recipe, turn: AbstractContextManager[None], /
    ) -> list[Decoded | DecoderFailedError]: ...


class Batcher:
    """A queue of clips, and threads that each take up to `size` clips with equal recipes from it.

    A batch is taken when the device has nothing to do: it then holds all clips that have come by then. An idle device
    waits for no fuller batch, because more clips come while it computes.
    """

    def __init__(
        self, decode: Decode, *, workers: int, size: int, in_flight: int | None = None, watch: Watch = unwatched
    ) -> None:
        """Start the threads.

        Args:
            decode: computes a batch; what it does on the device it does in its turn.
            workers: how many batches the device computes at once.
            size: clips a batch.
            in_flight: how many batches there are at once, with those that are before or after their turn; as many as
                workers if None.
            watch: is told what the device does.

        """
        self.size = size
        self._decode = decode
        self._watch = watch
        self._queue: list[_Task] = []
        self._changed = threading.Condition()
        self._turns = Turns(workers, self._changed)
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"decoder-{number}", daemon=True)
            for number in range(in_flight or workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, clip: Features, recipe: Recipe, caller: Caller) -> Future[Decoded]:
        """Queue a clip; the future gives its words or the decoder's error."""
        task = _Task(clip, recipe, caller)
        with self._changed:
            self._queue.append(task)
            self._changed.notify_all()
        return task.future

    def ask(self, clip: Features, question: Callable[[Features], T], caller: Caller) -> Future[T]:
        """Put another question about a clip than for its words, beside the queue; the future gives answer or error."""
        future: Future[T] = Future()
        turn = self._turns.ask(apart=caller.apart)

        def answer() -> None:
            try:
                with turn, self._watch(frozenset({caller.call}), clip.frames * FRAME / RATE):
                    future.set_result(question(clip))
            except BaseException as error:  # noqa: BLE001 - the future's reader gets it
                future.set_exception(error)

        threading.Thread(target=answer, name="decoder-question", daemon=True).start()
        return future

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
        while taken := self._next_batch():
            self._compute(*taken)

    def _compute(self, batch: Sequence[_Task], turn: Turn) -> None:
        try:
            with closing(turn):
                words = self._decode([task.clip for task in batch], batch[0].recipe, self._watched(turn, batch))
            decoded = list(zip(batch, words, strict=True))
        except BaseException as error:  # noqa: BLE001 - the future's reader gets it
            if len(batch) == 1:
                batch[0].future.set_exception(error)
            else:
                # Only one of the clips may be at fault, so each is computed alone.
                for task in batch:
                    self._compute([task], self._turns.ask(apart=task.caller.apart))
        else:
            for task, one in decoded:
                if isinstance(one, DecoderFailedError):
                    task.future.set_exception(one)
                else:
                    task.future.set_result(one)

    @contextmanager
    def _watched(self, turn: Turn, batch: Sequence[_Task]) -> Iterator[None]:
        """A batch's turn. It is reported from its beginning, not while the batch waits for another one's to end."""
        calls, frames = frozenset(task.caller.call for task in batch), sum(task.clip.frames for task in batch)
        with turn, self._watch(calls, frames * FRAME / RATE):
            yield

    def _next_batch(self) -> tuple[list[_Task], Turn] | None:
        """Wait for work and a device that has none, and take it; None once the batcher is closed."""
        with self._changed:
            while not self._closed:
                self._changed.wait_for(lambda: self._closed or (self._queue and self._turns.idle))
                if batch := self._take():
                    return batch, self._turns.ask(apart=batch[0].caller.apart)
            return None

    def _take(self) -> list[_Task]:
        """Up to `size` clips that may share a batch with the one that waited longest; the others keep their places.

        Those of callers that have had no batch go before the rest, but each has at most `FIRST_CLIPS` of them in it.
        """
        batch: list[_Task] = []
        firsts: Counter[Caller] = Counter()
        for task in self._queue[:1] + sorted(self._queue[1:], key=lambda task: task.caller.begun):
            if len(batch) == self.size:
                break
            if batch and task.kind != batch[0].kind:
                continue
            if firsts[task.caller] < FIRST_CLIPS and task.future.set_running_or_notify_cancel():
                batch.append(task)
                firsts[task.caller] += not task.caller.begun
        for task in batch:
            task.caller.begun = True
        self._queue = [task for task in self._queue if not (task.future.running() or task.future.done())]
        return batch
