"""What is left of an erased job for some days: its id, whose it was, and the receipt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import Job
from services.common.domain.times import DAY_MS, SECOND_MS
from services.common.store import keys
from services.common.store.codec import from_item, known
from services.common.store.operations import Delete, Operation, Put, Update
from services.common.store.table import Table

TOMBSTONE_MS = DAY_MS
"""After the last search: as long as what is uploaded for the erased job is erased."""
LINGER_MS = DAY_MS
"""So much longer the tombstone is kept: uploads of which S3 told nobody are found by a search, some time later."""
ERASED_KINDS = ("recording", "results", "work", "records")
"""What a receipt counts."""
_CHUNK = 50
"""Items deleted by one transaction."""
_SOURCE = ("source_key", "source_etag")


@dataclass(frozen=True, kw_only=True)
class Tombstone:
    job_id: str
    client_id: str
    erased_at: int
    source_key: str | None = None
    """Until the recording itself is gone and cannot come any more."""
    source_etag: str | None = None
    """Empty if it had not come yet."""
    upload_expires_at: int | None = None
    """Of a job made over the API: until then, somebody may still upload for it."""
    until: int | None = None
    """Epoch milliseconds: what S3 dates later is a new recording. An earlier release has not said so."""
    expires_at: int | None = None
    receipt: Mapping[str, Any] | None = None
    """`{kind: how many were deleted}`; None: an earlier release has erased it, and not looked yet."""
    due_kind: str | None = None

    @property
    def final(self) -> bool:
        """Nobody searches once more."""
        return self.due_kind is None

    def covers(self, moment: int) -> bool:
        """Whether what was uploaded then is erased like the rest."""
        end = (self.expires_at or 0) * SECOND_MS if self.until is None else self.until
        return moment <= end


class Tombstones:
    """The erased jobs of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, job_id: str) -> Tombstone | None:
        item = self._table.get(keys.job(job_id))
        return from_item(Tombstone, item) if item and "erased_at" in item else None

    def job_or_tombstone(self, job_id: str) -> Job | Tombstone | None:
        """What has become of a job, in one read: it is there, or its tombstone, or nothing."""
        item = self._table.get(keys.job(job_id))
        if item is None:
            return None
        return from_item(Tombstone, item) if "erased_at" in item else from_item(Job, item)

    def put(self, job: Job, now: int) -> bool:
        """From here on there is no such job; False if it was gone already."""
        return self._table.attempt_all([_tombstone(job, now)])

    def overdue(self, now: int, limit: int) -> Iterator[Tombstone]:
        return known(Tombstone, self._table.due(keys.Due.ERASURE, before=now, limit=limit))

    def delete_items(self, job_id: str) -> int:
        """Delete everything else that is filed under the job; returns how much that was."""
        pk, own = keys.job(job_id)
        others = [(pk, str(item["sk"])) for item in self._table.items(pk) if item["sk"] != own]
        for start in range(0, len(others), _CHUNK):
            self._table.transact([Delete(key=key) for key in others[start : start + _CHUNK]])
        return len(others)

    def settle(
        self, tombstone: Tombstone, found: Mapping[str, int], *, look_again_at: int | None, forget: bool
    ) -> None:
        """Add what a look has found to the receipt, which others may add to at the same time.

        :param look_again_at: when to search once more; None if that was the last time.
        :param forget: what the recording was called.
        """
        done: dict[str, Any] = {"due_at": look_again_at}
        if look_again_at:
            done |= kept_beyond(look_again_at, until=tombstone.until)
        remove = [*(_SOURCE if forget else ()), *([] if look_again_at else ["due_kind"])]
        self._count(tombstone, found, done, remove)

    def count_late(self, tombstone: Tombstone, now: int) -> None:
        """Something was uploaded for the erased job after all, and is gone again."""
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
    """The job's item without content, due to be swept: whatever a crash leaves behind is erased all the same."""
    pk, sk = keys.job(job.job_id)
    item: dict[str, Any] = {
        "pk": pk,
        "sk": sk,
        "job_id": job.job_id,
        "client_id": job.client_id,
        "erased_at": now,
        "source_key": job.source_key,
        "source_etag": job.source_etag,
        "upload_expires_at": job.upload_expires_at,
        "receipt": dict.fromkeys(ERASED_KINDS, 0),
        "due_kind": keys.Due.ERASURE,
        "due_at": now,
        **kept_beyond(now),
    }
    return Put(item=item, when=Attr("client_id").eq(job.client_id) & Attr("status").exists())


def kept_beyond(last_search: int, *, until: int | None = None) -> dict[str, int]:
    """How long a tombstone stands for the job: not shorter than it did (`until`), nor while a search is to come."""
    until = max(last_search + TOMBSTONE_MS, until or 0)
    return {"until": until, "expires_at": (until + LINGER_MS) // SECOND_MS}
