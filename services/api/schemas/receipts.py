"""Receipts of erasures: what was deleted, and what will expire by itself."""

from __future__ import annotations

from pydantic import BaseModel, Field

from services.api.schemas.fields import DateTime
from services.common.domain.times import DAY_MS, rfc3339
from services.common.domain.tombstone import Tombstone
from services.common.store.idempotency import KEPT_MS
from services.common.store.tombstones import LINGER_MS, TOMBSTONE_MS

BACKUP_DAYS = 35
"""How long DynamoDB's point-in-time recovery keeps items."""
QUEUE_DAYS = 14
"""How long a message is kept that the orchestrator could not take in; a test compares this with Terraform."""


class Removed(BaseModel):
    """How much was deleted, by kind."""

    recording: int = Field(
        default=0,
        description="The upload, and what came since: for a job of the API whatever was uploaded with its form, for a "
        "plain upload the same file under the same key.",
    )
    results: int = Field(default=0, description="Files: transcripts of every attempt.")
    work: int = Field(default=0, description="Files: plans, audio of parts, checkpoints.")
    records: int = Field(default=0, description="In the table: parts, events, deliveries, the job's own callback.")


class AgesOut(BaseModel):
    """Something that nobody deletes and that ends by itself."""

    what: str
    days: int | None = Field(
        description="After the last search; null: the operator decides, and this API does not know."
    )


class Receipt(BaseModel):
    """What was erased, and what is still to go by itself."""

    job_id: str
    erased_at: DateTime
    removed: Removed
    erases_uploads_until: DateTime | None = Field(
        description="What S3 dates until then, and is uploaded for the job or once more, is erased too and counted as "
        "`recording`; later it is a new recording. Never earlier than a day after the last search."
    )
    ages_out: list[AgesOut]
    final: bool = Field(
        description="false while something may still come (a machine's last write, an upload with a form that is still "
        "good) or could not be deleted: another search follows by itself."
    )

    @classmethod
    def of(cls, tombstone: Tombstone, *, log_days: int | None) -> Receipt:
        return cls(
            job_id=tombstone.job_id,
            erased_at=rfc3339(tombstone.erased_at),
            removed=Removed(**(tombstone.receipt or {})),
            erases_uploads_until=rfc3339(tombstone.until) if tombstone.until else None,
            ages_out=_ages_out(log_days),
            final=tombstone.final,
        )


def _ages_out(log_days: int | None) -> list[AgesOut]:
    kept = {
        "point-in-time backups of the table": BACKUP_DAYS,
        "logs: ids and codes, no content and no file name": log_days,
        "announcements of uploads that could not be taken in: the file's name": QUEUE_DAYS,
        "idempotency records: ids": KEPT_MS // DAY_MS,
        "this receipt: ids and counts": (TOMBSTONE_MS + LINGER_MS) // DAY_MS,
    }
    return [AgesOut(what=what, days=days) for what, days in kept.items()]
