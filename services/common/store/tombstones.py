"""What is left of an erased job for some days: its id, whose it was, and the receipt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import Job
from services.common.domain.times import SECOND_MS
from services.common.store.codec import from_item, known
from services.common.store.commands import ERASURE, kept_beyond, tombstone
from services.common.store.jobs import job_key
from services.common.store.table import ConditionFailedError, Delete, Table, Update

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
        item = self._table.get(job_key(job_id))
        return from_item(Tombstone, item) if item and "erased_at" in item else None

    def under(self, job_id: str) -> Job | Tombstone | None:
        """What has become of a job, in one read: it is there, or its tombstone, or nothing."""
        item = self._table.get(job_key(job_id))
        if item is None:
            return None
        return from_item(Tombstone, item) if "erased_at" in item else from_item(Job, item)

    def put(self, job: Job, now: int) -> bool:
        """From here on there is no such job; False if it was gone already."""
        try:
            self._table.transact([tombstone(job, now)])
        except ConditionFailedError:
            return False
        return True

    def overdue(self, now: int, limit: int) -> Iterator[Tombstone]:
        return known(Tombstone, self._table.due(ERASURE, before=now, limit=limit))

    def delete_items(self, job_id: str) -> int:
        """Delete everything else that is filed under the job; returns how much that was."""
        pk, own = job_key(job_id)
        keys = [(pk, str(item["sk"])) for item in self._table.items(pk) if item["sk"] != own]
        for start in range(0, len(keys), _CHUNK):
            self._table.transact([Delete(key=key) for key in keys[start : start + _CHUNK]])
        return len(keys)

    def settle(self, grave: Tombstone, found: Mapping[str, int], *, look_again_at: int | None, forget: bool) -> None:
        """Add what a look has found to the receipt, which others may add to at the same time.

        :param look_again_at: when to search once more; None if that was the last time.
        :param forget: what the recording was called.
        """
        done: dict[str, Any] = {"due_at": look_again_at}
        if look_again_at:
            done |= kept_beyond(look_again_at, until=grave.until)
        remove = [*(_SOURCE if forget else ()), *([] if look_again_at else ["due_kind"])]
        self._count(grave, found, done, remove)

    def count_late(self, grave: Tombstone, now: int) -> None:
        """Something was uploaded for the erased job after all, and is gone again."""
        self._count(grave, {"recording": 1}, kept_beyond(now, until=grave.until))

    def _count(
        self, grave: Tombstone, found: Mapping[str, int], changes: Mapping[str, Any], remove: Sequence[str] = ()
    ) -> None:
        added: dict[str, int] = {}
        if grave.receipt is None:
            changes = {**changes, "receipt": dict(found)}
        else:
            added = {f"receipt.{kind}": count for kind, count in found.items()}
        here = Attr("erased_at").eq(grave.erased_at)
        try:
            self._table.write(Update(key=job_key(grave.job_id), when=here, set=changes, add=added, remove=remove))
        except ConditionFailedError:
            return
