"""A recording that is read while it is decoded: the reader runs on a thread of its own, and clips wait for the device.

What waits here are clips without their samples, which are in the spool. So the reader need not wait for the device, and
a plan is known long before the last clip has been decoded.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Container, Iterator
from contextlib import closing
from pathlib import Path

from services.gpu_worker.engine.audio.sound import LongPause
from services.gpu_worker.engine.plan.plan import Clip, Plan
from services.gpu_worker.engine.plan.reader import Items, ReadClip
from services.gpu_worker.engine.plan.spool import Sound

_WAIT_SECONDS = 0.02
"""How long to wait for the next clip before its reader is told that there is none yet."""


class Flow:
    """The clips of one recording, from its reader to the model."""

    def __init__(
        self,
        items: Items,
        spool: Path,
        *,
        offset: int = 0,
        planned: Callable[[Plan], None] = lambda _: None,
    ) -> None:
        """Begin to read.

        Args:
            items: what a reader gives.
            spool: the folder that it writes the sound to.
            offset: where the spool begins in the recording, in samples.
            planned: called with the plan, on the thread that reads; an error in it is the flow's.

        """
        self.clips: dict[int, Clip] = {}
        """Those that have been read, by index."""
        self.pauses: list[LongPause] = []
        """The long pauses up to the end of the last of these clips."""
        self._items = items
        self._spool = spool
        self._offset = offset
        self._planned = planned
        self._waiting: queue.SimpleQueue[Clip | None] = queue.SimpleQueue()
        """Clips that have been read; None after the last one, or when reading has failed."""
        self._taken: deque[Clip] = deque()
        """Those that `first` has taken out of the queue."""
        self._last: int | None = None
        """Once `planned` has returned: no clip from this index on is begun. Until then the device need not wait."""
        self._ended = False
        self._error: BaseException | None = None
        """What ended reading, or `planned`; clips that wait are of no use then."""
        self._thread = threading.Thread(target=self._read, name="flow", daemon=True)
        self._thread.start()

    def first(self, count: int) -> list[Clip]:
        """Wait for the recording's first clips; they are still to come in `sounds`."""
        while len(self._taken) < count and not self._ended:
            self._take(self._waiting.get())
        self.check()
        return list(self._taken)

    def sounds(self, known: Container[Clip] = ()) -> Iterator[Sound | None]:
        """Each clip but the known ones as soon as it has been read; None while the next has not.

        Raises the error that ended reading, if one did, whatever still waits.
        """
        while self._taken or not self._ended:
            self.check()
            if not self._taken:
                try:
                    self._take(self._waiting.get(timeout=_WAIT_SECONDS))
                except queue.Empty:
                    yield None
                continue
            clip = self._taken.popleft()
            if clip in known or (self._last is not None and clip.index >= self._last):
                continue
            yield self.sound(clip)
        self.check()

    def sound(self, clip: Clip) -> Sound:
        """A clip that has been read, with the place of its samples."""
        return Sound(clip, self._spool, self._offset)

    def wait(self) -> None:
        """Wait until reading has ended, and `planned` has returned."""
        self._thread.join()

    def check(self) -> None:
        """Raise the error that ended reading, or `planned`, if one did."""
        if self._error:
            raise self._error

    def _take(self, clip: Clip | None) -> None:
        if clip is None:
            self._ended = True
        else:
            self._taken.append(clip)

    def _read(self) -> None:
        try:
            with closing(self._items):
                for item in self._items:
                    self._push(item)
        except BaseException as error:  # noqa: BLE001 - whoever takes the clips gets it
            self._error = error
        self._waiting.put(None)

    def _push(self, item: ReadClip | Plan) -> None:
        if isinstance(item, Plan):
            self._waiting.put(None)
            self._planned(item)
            self._last = item.parts[0].last
        else:
            self.pauses.extend(item.pauses)
            self.clips[item.clip.index] = item.clip
            self._waiting.put(item.clip)
