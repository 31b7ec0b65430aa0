"""Finished clips, kept where the next attempt finds them, every few seconds of machine time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.common.domain.records import Part
    from services.gpu_worker.engine.results import ClipResult
    from services.gpu_worker.files import Files


class Checkpoints:
    """The results of one attempt at a part, with those of earlier attempts."""

    def __init__(self, files: Files, part: Part, interval_seconds: float) -> None:
        self._files = files
        self._part = part
        self._interval = interval_seconds
        self._serial = 0
        self._unsaved: list[ClipResult] = []
        self._saved_at = time.monotonic()
        # A first attempt has nothing to find, and asking costs a call.
        self.results: dict[int, ClipResult] = files.checkpoints(part.job_id, part.part_id) if part.attempt > 1 else {}

    def add(self, result: ClipResult) -> None:
        """A clip is done; saved with others once the interval is over."""
        self.results[result.index] = result
        self._unsaved.append(result)
        if time.monotonic() - self._saved_at >= self._interval:
            self.save()

    def save(self) -> None:
        """Keep what is not yet kept."""
        if self._unsaved:
            self._serial += 1
            self._files.put_checkpoint(self._part, self._serial, self._unsaved)
            self._unsaved = []
        self._saved_at = time.monotonic()
