"""The shares of jobs. They lie in the job's partition, so that they end with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from boto3.dynamodb.conditions import Attr

from services.common.domain.shares import Share
from services.common.store import keys
from services.common.store.clients import count_request, requests_in
from services.common.store.codec import from_item, known, to_item
from services.common.store.operations import ABSENT, PRESENT, Check, Delete, Operation, Put

if TYPE_CHECKING:
    from services.common.domain.shares import Token
    from services.common.store.table import Table


class Opened(NamedTuple):
    """A share that was opened, and how many requests it has made in this minute, this one included."""

    share: Share
    used: int


class Shares:
    """The shares of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def addition(self, share: Share) -> list[Operation]:
        """The operations that store a new share. They fail if its job is gone or is being erased."""
        pk, sk = keys.share(share.job_id, share.share_id)
        item = {**to_item(share, pk=pk, sk=sk), "minutes": {}}
        there = Check(key=keys.job(share.job_id), when=Attr("status").exists())
        return [there, Put(item=item, when=ABSENT)]

    def open(self, token: Token, now: int) -> Opened | None:
        """The share that this token opens, and count the request; None if there is none, or it has ended."""
        mine = PRESENT & Attr("digest").eq(token.digest) & Attr("ends_at").gt(now)
        item = count_request(self._table, keys.share(token.job_id, token.share_id), mine, now)
        return Opened(from_item(Share, item), requests_in(item, now)) if item else None

    def of_job(self, job_id: str) -> list[Share]:
        """All shares of a job that were not taken back; those that have ended may be among them."""
        return list(known(Share, self._table.items(keys.of_job(job_id), keys.SHARES)))

    def remove(self, job_id: str, share_id: str) -> bool:
        """Take a share back; False if there is none."""
        return self._table.attempt(Delete(key=keys.share(job_id, share_id), when=PRESENT))
