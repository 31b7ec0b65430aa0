"""A recording on its way to its text, as those see it who upload, watch and show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from services.cli.errors import Exit
from services.cli.printing import amount, share, shown
from services.cli.recordings.progress.estimates import Countdown, Pace
from services.common.domain.progress import ProgressStage
from services.common.domain.states import TERMINAL

if TYPE_CHECKING:
    from services.cli.recordings.input.sources import Source
    from services.cli.recordings.options.outputs import Place

STAGES = {
    ProgressStage.AWAITING_UPLOAD: "waiting for the upload",
    ProgressStage.QUEUED: "in the queue",
    ProgressStage.STARTING: "starting",
    ProgressStage.READING: "a machine reads it",
    ProgressStage.TRANSCRIBING: "transcribing",
    ProgressStage.MERGING: "joining its parts",
    ProgressStage.ENDED: "fetching the text",
}
"""The stages of a job, in words."""


class Phase(StrEnum):
    """Who has the recording."""

    BEFORE = "before"
    """It waits until others are uploaded."""
    UPLOADING = "uploading"
    SENT = "sent"
    """The service has all of it."""
    ENDED = "ended"
    """Its text is there, or it has failed."""


@dataclass(kw_only=True, eq=False)
class Recording:
    """A recording on its way. While it is uploaded, a thread writes here; otherwise the main thread."""

    name: str
    """For people."""
    place: Place | None = None
    """Where its files go; None: it has none."""
    source: Source | None = None
    """None: it was sent earlier."""
    job_id: str = ""
    phase: Phase = Phase.BEFORE
    upload_stage: str = ""
    """As `Uploads.send` calls it."""
    done: int = 0
    """Bytes of this stage of its upload."""
    total: int | None = None
    """Bytes of all; None: not known."""
    pace: Pace = field(default_factory=Pace)
    job: dict[str, Any] = field(default_factory=dict)
    """As the API showed it last."""
    progress: dict[str, Any] = field(default_factory=dict)
    """Of the job; what is not known is missing or None."""
    countdown: Countdown = field(default_factory=Countdown)
    exit_code: Exit = Exit.DONE

    def uploads(self, stage: str, done: int, total: int | None, now: float) -> None:
        """Take in how far its upload is."""
        if stage != self.upload_stage:
            self.pace = Pace()
        self.upload_stage, self.done, self.total = stage, done, total
        self.pace.see(done, now)

    def see(self, job: dict[str, Any], now: float, *, alone: bool) -> None:
        """Take in what the API shows.

        Args:
            job: as it shows it.
            now: seconds of a clock that only goes forward.
            alone: whether the job was read alone; a list tells less of its progress.

        """
        told = job.get("progress") or {}
        if not alone and told.get("stage") == ProgressStage.TRANSCRIBING:
            # A list does not tell these two apart. Said is the first, since nothing goes back.
            told = {**told, "stage": ProgressStage.READING}
        if alone or job["status"] != self.job.get("status"):
            self.progress = told
        if alone:
            self.countdown.see(told.get("stage", ""), told.get("estimated_seconds"), now)
        self.job = job

    @property
    def label(self) -> str:
        """Its name alone, without the folder where it lies."""
        return self.source.file_name if self.source else self.name

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens to the job."""
        return self.job.get("status") in TERMINAL

    @property
    def fraction(self) -> float | None:
        """How much of the present work is done, 0 to 1; None: not known."""
        if self.phase is Phase.UPLOADING:
            return self.done / self.total if self.total else None
        known: float | None = self.progress.get("fraction")
        return known

    @property
    def stage(self) -> str:
        """What happens with it, in words that stay the same until something else happens."""
        if self.phase is Phase.BEFORE:
            return "waits for its turn"
        if self.phase is Phase.UPLOADING:
            return self.upload_stage or "beginning"
        stage = self.progress.get("stage") or self.job.get("status", ProgressStage.AWAITING_UPLOAD)
        if self.source is not None and stage == ProgressStage.AWAITING_UPLOAD:
            return "uploaded"
        if self.job.get("waiting"):
            return "waits for a machine"
        return STAGES.get(stage, shown(stage))

    def told(self, now: float, *, live: bool = True) -> str:
        """What happens with it, how far it is, and how long it takes still.

        Args:
            now: seconds of a clock that only goes forward.
            live: whether it is told again soon, so that it may say what changes.

        """
        if self.phase is Phase.UPLOADING:
            return f"{self.stage}{self._bytes(now, live=live)}"
        position = self.progress.get("queue_position") if self.phase is Phase.SENT else None
        # Whoever is the next has a stage of its own.
        place = f", number {position}" if position and position > 1 else ""
        left = self.countdown.told(now) if self.phase is Phase.SENT else ""
        return f"{self.stage}{place}{' · ' if left else ''}{left}"

    def _bytes(self, now: float, *, live: bool) -> str:
        if not self.upload_stage:
            return ""
        if not live:
            return f" {amount(self.total)}" if self.total else ""
        far = amount(self.done) if self.total is None else share(self.done, self.total)
        speed = self.pace.per_second(now)
        return f" {far}, {amount(speed)}/s" if speed else f" {far}"
