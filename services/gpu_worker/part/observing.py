"""Observes the speakers of a claimed part while it is decoded, on a thread of its own.

What goes wrong here costs the labels, never the text.
"""

from __future__ import annotations

from contextlib import closing
from threading import Event, Thread
from typing import TYPE_CHECKING

import structlog

from services.common.domain.errors import DamagedModelError
from services.gpu_worker.engine.decode.model_sources import ModelMissingError
from services.gpu_worker.engine.speakers.grid import windows_between
from services.gpu_worker.engine.stopping import AnyOf, StoppedError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from services.gpu_worker.engine.plan.plan import PlannedPart
    from services.gpu_worker.engine.speakers.work import Speakers
    from services.gpu_worker.part.checkpoints import Checkpoints
    from services.gpu_worker.part.claim import Claim

log = structlog.get_logger()
TRIES = 2
"""How often the windows that are left are begun, if the process that observes them ends; and so for who speaks."""
_POLL_SECONDS = 0.1
_LEAVING_SECONDS = 10.0
"""How long the thread may take to end; a machine that has to end has two minutes to store what was done."""


class Observing:
    """The thread, from the beginning to the end of a context. Its windows go into the checkpoints."""

    def __init__(
        self,
        claim: Claim,
        speakers: Speakers,
        checkpoints: Checkpoints,
        spool: Path,
        *,
        part: PlannedPart | None,
        offset: int = 0,
    ) -> None:
        """What is observed.

        Args:
            claim: of the part.
            speakers: observes.
            checkpoints: get the windows, and know those of earlier attempts.
            spool: the folder of the part's sound.
            part: None: it is not known before the recording has been read; see `need`.
            offset: where the spool begins in the recording, in samples.

        """
        self._claim = claim
        self._speakers = speakers
        self._checkpoints = checkpoints
        self._spool = spool
        self._offset = offset
        self._wanted = windows_between(part.start, part.end) if part else None
        self._over = Event()
        self._stop = AnyOf(claim.stop, self._over)
        self._thread = Thread(target=self._run, name="observing", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        # It may still be waiting for models that have to be fetched; it does nothing more then.
        self._thread.join(_LEAVING_SECONDS)

    def need(self, part: PlannedPart) -> None:
        """Tell which part it is that was claimed, once the recording has been read."""
        self._wanted = windows_between(part.start, part.end)

    def wait(self) -> None:
        """Wait until all windows of the part are observed, or cannot be.

        Raises:
            StoppedError: the work must stop.

        """
        while self._thread.is_alive() and not self._claim.stop.is_set():
            self._checkpoints.save_if_due()
            self._thread.join(_POLL_SECONDS)
        if self._claim.stop.is_set():
            raise StoppedError

    def _run(self) -> None:
        about = {"job_id": self._claim.part.job_id, "part": self._claim.part.part_id}
        for _ in range(TRIES):
            try:
                self._observe()
            except StoppedError:
                return
            except Exception as error:
                log.exception("speakers.failed", **about)
                if isinstance(error, DamagedModelError | ModelMissingError):
                    # It may have taken minutes to find that out, and would take them again.
                    return
            else:
                return

    def _observe(self) -> None:
        first = self._wanted.start if self._wanted else 0
        while first in self._checkpoints.windows:
            first += 1
        if self._is_over(first):
            return
        last = self._wanted.stop if self._wanted else None
        windows = self._speakers.observe(self._spool, first=first, last=last, offset=self._offset, stop=self._stop)
        with closing(windows):
            for window in windows:
                if self._is_over(window.index):
                    return
                self._checkpoints.observe(window)

    def _is_over(self, index: int) -> bool:
        return self._wanted is not None and index >= self._wanted.stop
