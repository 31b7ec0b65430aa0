"""Turns: each client's place in the queue grows with what it asks for, so that whoever uploads ten thousand files is
passed by whoever uploads one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import SCHEMA_VERSION
from services.common.store import keys
from services.common.store.operations import Update
from services.common.store.table import ConditionFailedError

if TYPE_CHECKING:
    from services.common.store.table import Table


class Turns:
    """One counter a client: when its next file has its turn, epoch milliseconds."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def take(self, client_id: str, milliseconds: int, now: int) -> int:
        """Reserve so much of the queue for a client; returns where it begins: now, or behind what it asked before."""
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
