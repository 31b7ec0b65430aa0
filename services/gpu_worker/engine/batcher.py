"""Clips of all tasks, gathered into batches for the device.

A batch holds whole clips only, each with a window of its own, so nothing of one recording can reach another's text; and
what a clip decodes to does not depend on its company.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

from services.gpu_worker.engine.decoder import Decoded, Features
from services.gpu_worker.engine.recipe import Recipe

LINGER_SECONDS = 0.5
"""How long a batch that is not full waits for more, while somebody is still preparing clips."""

_Job = tuple[Features, Recipe, "Future[Decoded]"]


class Batcher:
    """A queue of clips, and `workers` threads that take up to `size` with equal recipes from its head."""

    def __init__(
        self, decode: Callable[[Sequence[Features], Recipe], list[Decoded]], *, workers: int, size: int
    ) -> None:
        self.size = size
        self.workers = workers
        self._decode = decode
        self._queue: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._preparing = 0
        self._closed = False
        self._threads = [threading.Thread(target=self._work, name=f"decoder-{n}", daemon=True) for n in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(self, clip: Features, recipe: Recipe) -> Future[Decoded]:
        """Queue a clip; the future gives its words or the decoder's error."""
        future: Future[Decoded] = Future()
        with self._changed:
            self._queue.append((clip, recipe, future))
            self._changed.notify_all()
        return future

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """While somebody is in here, more clips are about to come, and a batch may wait for them."""
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
            for _, _, future in self._queue:
                future.cancel()
            self._queue.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._next_batch():
            recipe = batch[0][1]
            try:
                decoded = list(zip(batch, self._decode([clip for clip, _, _ in batch], recipe), strict=True))
            except BaseException as error:  # noqa: BLE001 - whoever waits for the clip gets it
                for _, _, future in batch:
                    future.set_exception(error)
            else:
                for (_, _, future), one in decoded:
                    future.set_result(one)

    def _next_batch(self) -> list[_Job]:
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

    def _take(self) -> list[_Job]:
        """Up to `size` clips that may share a batch with the one that waited longest; the others keep their places."""
        batch: list[_Job] = []
        others: list[_Job] = []
        while self._queue and len(batch) < self.size:
            job = self._queue.popleft()
            if batch and (job[1], job[0].window) != (batch[0][1], batch[0][0].window):
                others.append(job)
            elif job[2].set_running_or_notify_cancel():
                batch.append(job)
        self._queue.extendleft(reversed(others))
        return batch
