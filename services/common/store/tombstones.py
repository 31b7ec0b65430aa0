"""What is left of an erased job for a day: its id, whose it was, and the receipt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.common.domain.records import Job
from services.common.store.codec import from_item, known
from services.common.store.commands import tombstone
from services.common.store.jobs import job_key
from services.common.store.table import PRESENT, ConditionFailedError, Delete, Table, Update

_CHUNK = 50
"""Items deleted by one transaction."""


@dataclass(frozen=True, kw_only=True)
class Tombstone:
    job_id: str
    client_id: str
    erased_at: int
    source_key: str | None = None
    """Until the recording itself is gone."""
    source_etag: str | None = None
    receipt: Mapping[str, Any] | None = None
    """`{objects, items}`, how many were deleted; None until that is done."""
    due_kind: str | None = None

    @property
    def final(self) -> bool:
        """Nobody searches once more."""
        return self.due_kind is None


class Tombstones:
    """The erased jobs of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, job_id: str) -> Tombstone | None:
        item = self._table.get(job_key(job_id))
        return from_item(Tombstone, item) if item and "erased_at" in item else None

    def put(self, job: Job, now: int) -> bool:
        """From here on there is no such job; False if it was gone already."""
        try:
            self._table.transact([tombstone(job, now)])
        except ConditionFailedError:
            return False
        return True

    def overdue(self, now: int, limit: int) -> Iterator[Tombstone]:
        return known(Tombstone, self._table.due("erasure", before=now, limit=limit))

    def delete_items(self, job_id: str) -> int:
        """Delete everything else that is filed under the job; returns how much that was."""
        pk, own = job_key(job_id)
        keys = [(pk, str(item["sk"])) for item in self._table.items(pk) if item["sk"] != own]
        for start in range(0, len(keys), _CHUNK):
            self._table.transact([Delete(key=key) for key in keys[start : start + _CHUNK]])
        return len(keys)

    def settle(self, grave: Tombstone, receipt: Mapping[str, Any], *, look_again_at: int | None) -> None:
        """Everything found is deleted; `look_again_at`: when to search once more for what a worker still wrote."""
        done = {"receipt": dict(receipt), "due_at": look_again_at}
        remove = ["source_key", "source_etag", *([] if look_again_at else ["due_kind"])]
        try:
            self._table.write(Update(key=job_key(grave.job_id), when=PRESENT, set=done, remove=remove))
        except ConditionFailedError:
            return
