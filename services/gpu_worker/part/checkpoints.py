"""Checkpoints: finished clips are stored in the bucket every few seconds, for the next attempt at their part."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog

from services.common.domain.records import part_index, part_name
from services.gpu_worker.machine.retrying import is_transient

if TYPE_CHECKING:
    from services.common.domain.records import Part
    from services.gpu_worker.engine.decode.results import ClipResult
    from services.gpu_worker.engine.plan.plan import Clip, Plan
    from services.gpu_worker.engine.speakers.windows import ObservedWindow
    from services.gpu_worker.part.files import Files

log = structlog.get_logger()


class Checkpoints:
    """The results of one attempt at a part, together with those that earlier attempts stored.

    Three threads use them: one takes results, one splits the recording meanwhile, and one observes its speakers.
    """

    def __init__(
        self, files: Files, place: str, part: Part, interval_seconds: float, *, speakers: bool = False
    ) -> None:
        """`speakers`: whether they are told apart."""
        self._files = files
        self._place = place
        self._part = part
        self._interval = interval_seconds
        self._serial = 0
        self._unsaved: list[ClipResult] = []
        self._unsaved_windows: list[ObservedWindow] = []
        self._saved_at = time.monotonic()
        self._saving = threading.Lock()
        self.results: dict[int, ClipResult] = {}
        self.windows: dict[int, ObservedWindow] = {}
        """Those in which speakers were observed, by index."""
        # Before a first attempt there are none, and to look would cost a call. But whoever split the recording may have
        # been ahead of its own part by then: see `Engine.transcribe`.
        if part.parts > 1 and part_index(part) > 0:
            self._take(part_name(0), speakers=speakers)
        if part.attempt > 1:
            self._take(part.part_id, speakers=speakers)

    def _take(self, part_id: str, *, speakers: bool) -> None:
        self.results |= self._files.checkpoints(self._place, part_id)
        if speakers:
            self.windows |= self._files.windows(self._place, part_id)

    @property
    def clips(self) -> frozenset[Clip]:
        """The clips that have a result. Those of an earlier release are not named in it, and it cut others."""
        return frozenset(result.clip for result in self.results.values() if result.clip)

    def keep(self, plan: Plan) -> None:
        """Drop the results of clips that are not this plan's.

        An attempt that did not come as far as to store its plan may have had another one: by another release, or where
        a probability of speech was on the other side of a threshold, as processors of another kind round differently.
        """
        for index, result in list(self.results.items()):
            if result.clip and plan.clips[index : index + 1] != (result.clip,):
                del self.results[index]

    def add(self, result: ClipResult) -> None:
        """Add a finished clip; once the interval is over, all that are not yet stored are."""
        self.results[result.index] = result
        self._unsaved.append(result)
        self.save_if_due()

    def observe(self, window: ObservedWindow) -> None:
        """Add an observed window, which is stored with the next clips."""
        self.windows[window.index] = window
        self._unsaved_windows.append(window)

    def save_if_due(self) -> None:
        """Store what is not yet stored, if the interval is over."""
        if time.monotonic() - self._saved_at >= self._interval:
            self.try_to_save()

    def try_to_save(self) -> None:
        """As `save`, but without waiting for an S3 that does not answer: the next interval tries again."""
        try:
            self.save()
        except Exception as error:
            if not is_transient(error):
                raise
            self._saved_at = time.monotonic()
            log.warning("checkpoint.postponed", job_id=self._part.job_id, clips=len(self._unsaved))

    def save(self) -> None:
        """Store the results that are not yet stored."""
        with self._saving:
            # The other threads may add results while these are stored.
            if saved := list(self._unsaved):
                # A name is used once, even if S3 did not answer: the object may have been written all the same.
                self._serial += 1
                self._files.put_checkpoint(self._place, self._part, self._serial, saved)
                del self._unsaved[: len(saved)]
            if observed := list(self._unsaved_windows):
                self._serial += 1
                self._files.put_windows(self._place, self._part, self._serial, observed)
                del self._unsaved_windows[: len(observed)]
            self._saved_at = time.monotonic()
