"""Tombstones: what is kept of an erased job for some days, which is its id, its client and the receipt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import Job
from services.common.domain.times import DAY_MS, MINUTE_MS, SECOND_MS
from services.common.domain.tombstone import Tombstone
from services.common.store import keys
from services.common.store.changes import same_upload
from services.common.store.codec import from_item, known
from services.common.store.operations import Delete, Operation, Put, Update
from services.common.store.table import Table

TAKEN_OVER_MS = MINUTE_MS
"""How long whoever erases a job has for it, before the sweep takes over."""
TOMBSTONE_MS = DAY_MS
"""How long after the last search an upload for the erased job is still erased."""
LINGER_MS = 2 * DAY_MS
"""How much longer the tombstone is kept: if S3 loses an event, the search finds the upload some time later. An upload
in parts is dated when it begins, and may be found a day after it ended (`services/common/domain/search.py`)."""
ERASED_KINDS = ("recording", "results", "work", "records")
"""The kinds that a receipt counts."""
_CHUNK = 50
"""Items that are deleted by one transaction."""
_SOURCE = ("source_key", "source_etag", "multipart")


class Tombstones:
    """The erased jobs of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, job_id: str) -> Tombstone | None:
        item = self._table.get(keys.job(job_id))
        return from_item(Tombstone, item) if item and "erased_at" in item else None

    def job_or_tombstone(self, job_id: str) -> Job | Tombstone | None:
        """The job, or its tombstone if it is erased, or None, in one consistent read."""
        item = self._table.get(keys.job(job_id))
        if item is None:
            return None
        return from_item(Tombstone, item) if "erased_at" in item else from_item(Job, item)

    def put(self, job: Job, now: int) -> bool:
        """Replace the job by its tombstone; False if it is gone, or its upload was renewed since it was read."""
        return self._table.attempt_all([_tombstone(job, now)])

    def overdue(self, now: int, limit: int) -> Iterator[Tombstone]:
        return known(Tombstone, self._table.due(keys.Due.ERASURE, before=now, limit=limit))

    def delete_items(self, job_id: str) -> int:
        """Delete all other items in the job's partition; returns how many there were."""
        pk, own = keys.job(job_id)
        others = [(pk, str(item["sk"])) for item in self._table.items(pk) if item["sk"] != own]
        for start in range(0, len(others), _CHUNK):
            self._table.transact([Delete(key=key) for key in others[start : start + _CHUNK]])
        return len(others)

    def settle(
        self, tombstone: Tombstone, found: Mapping[str, int], *, look_again_at: int | None, forget: bool
    ) -> None:
        """Add to the receipt what a search has deleted. Other processes may add to it at the same time.

        Args:
            tombstone: as it was read.
            found: how many were deleted, by kind.
            look_again_at: when to search once more, epoch milliseconds; None if this was the last search.
            forget: whether what is known of the recording is removed: its key, its ETag, its upload in parts.

        """
        done: dict[str, Any] = {"due_at": look_again_at}
        if look_again_at:
            done |= kept_beyond(look_again_at, until=tombstone.until)
        remove = [*(_SOURCE if forget else ()), *([] if look_again_at else ["due_kind"])]
        self._count(tombstone, found, done, remove)

    def count_late(self, tombstone: Tombstone, now: int) -> None:
        """Count an upload for the erased job that was deleted."""
        self._count(tombstone, {"recording": 1}, kept_beyond(now, until=tombstone.until))

    def _count(
        self, tombstone: Tombstone, found: Mapping[str, int], changes: Mapping[str, Any], remove: Sequence[str] = ()
    ) -> None:
        added: dict[str, int] = {}
        if tombstone.receipt is None:
            changes = {**changes, "receipt": dict(found)}
        else:
            added = {f"receipt.{kind}": count for kind, count in found.items()}
        here = Attr("erased_at").eq(tombstone.erased_at)
        self._table.attempt(Update(key=keys.job(tombstone.job_id), when=here, set=changes, add=added, remove=remove))


def _tombstone(job: Job, now: int) -> Operation:
    """The operation that replaces a job by its tombstone.

    It is due after `TAKEN_OVER_MS`: if a crash interrupts the erasure, the sweep goes on.
    """
    pk, sk = keys.job(job.job_id)
    item: dict[str, Any] = {
        "pk": pk,
        "sk": sk,
        "job_id": job.job_id,
        "client_id": job.client_id,
        "erased_at": now,
        "source_key": job.source_key,
        "source_etag": job.source_etag,
        "multipart": job.multipart,
        "upload_expires_at": job.upload_expires_at,
        "receipt": dict.fromkeys(ERASED_KINDS, 0),
        "due_kind": keys.Due.ERASURE,
        "due_at": now + TAKEN_OVER_MS,
        **kept_beyond(now),
    }
    there = Attr("client_id").eq(job.client_id) & Attr("status").exists()
    return Put(item=item, when=there & same_upload(job))


def kept_beyond(last_search: int, *, until: int | None = None) -> dict[str, int]:
    """How long uploads are erased and the tombstone is kept; never shorter than before (`until`).

    Args:
        last_search: when the last search is made, epoch milliseconds.
        until: the tombstone's present `until`.

    """
    until = max(last_search + TOMBSTONE_MS, until or 0)
    return {"until": until, "expires_at": (until + LINGER_MS) // SECOND_MS}
