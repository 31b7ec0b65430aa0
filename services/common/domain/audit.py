"""How far the hourly audit is, which looks for what is lost. Times are epoch milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from services.common.domain.times import HOUR_MS

MOST_SUSPECTS = 1_000
"""How many suspects are remembered: their ids have to fit into an item."""


class Stage(StrEnum):
    """What the audit is going through."""

    NOTHING = ""
    """It has come to its end."""
    JOBS = "jobs"
    """All jobs, client by client."""
    UPLOADS = "uploads"
    """All uploads in the bucket."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """An audit of all jobs, client by client, and then of all uploads."""

    stage: Stage = Stage.NOTHING
    client: str = ""
    """The client whose jobs are gone through; the empty name is before all others."""
    cursor: str = ""
    """The `sort` of the client's job up to which it is, or the key up to which uploads were looked at."""
    began: int = 0
    """When the audit under way began, or the last one."""
    first: int = 0
    """When the first one began: what happened before is not in it, as an earlier release wrote it."""
    lost: int = 0
    """How much the audit under way, or the last one, has found."""
    suspects: Sequence[str] = ()
    """Of uploads in parts that the last audit saw without a job, the ids of the jobs. S3 dates such an object when its
    upload began, so it may have come just now: it is lost only if the next audit sees the same."""
    suspected: Sequence[str] = ()
    """Those that the audit under way has seen so."""

    def is_due(self, now: int) -> bool:
        """Whether the last one has ended, and began in an earlier hour."""
        return self.stage is Stage.NOTHING and now // HOUR_MS > self.began // HOUR_MS

    def begin(self, now: int) -> Audit:
        """The audit that begins now."""
        return replace(self, stage=Stage.JOBS, client="", cursor="", began=now, first=self.first or now, lost=0)

    def move(self, *, cursor: str, lost: int, suspected: Sequence[str] = ()) -> Audit:
        """The audit after a page of the client's jobs, or of the uploads; `suspected`: those of this page."""
        seen = [*self.suspected, *suspected][:MOST_SUSPECTS]
        return replace(self, cursor=cursor, lost=self.lost + lost, suspected=seen)

    def next(self, client: str | None) -> Audit:
        """The audit before the first job of the next client; None: before the first upload, as there is none."""
        return replace(self, stage=Stage.UPLOADS if client is None else Stage.JOBS, client=client or "", cursor="")

    def end(self) -> Audit:
        """The audit at its end."""
        return replace(self, stage=Stage.NOTHING, client="", cursor="", suspects=self.suspected, suspected=())
