"""Turns of the fair queue: a client's next place moves back with each file that it uploads.

So a client with one file passes a client with ten thousand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import SCHEMA_VERSION
from services.common.store import keys
from services.common.store.operations import ConditionFailedError, Update

if TYPE_CHECKING:
    from services.common.store.table import Table


class Turns:
    """One item per client: the place of its next file in the queue, epoch milliseconds."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def take(self, client_id: str, milliseconds: int, now: int) -> int:
        """Reserve a stretch of the queue for a client.

        Args:
            client_id: of the client.
            milliseconds: how long the stretch is (`fair_queue.turn`).
            now: epoch milliseconds.

        Returns:
            Where it begins, epoch milliseconds: now, or behind what the client has reserved before.

        """
        idle = Update(
            key=keys.turn(client_id),
            when=Attr("next_at").not_exists() | Attr("next_at").lte(now),
            set={"next_at": now + milliseconds, "schema_version": SCHEMA_VERSION},
        )
        busy = Update(key=keys.turn(client_id), when=Attr("next_at").gt(now), add={"next_at": milliseconds})
        while True:
            for attempt in (idle, busy):
                try:
                    item = self._table.write(attempt)
                except ConditionFailedError:
                    continue
                return int(item["next_at"]) - milliseconds
