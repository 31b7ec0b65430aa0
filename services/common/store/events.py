"""Everything that happened to a client's jobs, in order of time: for whoever missed a webhook."""

from __future__ import annotations

from collections.abc import Iterator

from services.common.domain.records import Event
from services.common.domain.times import SECOND_MS
from services.common.store import keys
from services.common.store.codec import read
from services.common.store.table import Table

FEED_LAG_MS = 5 * SECOND_MS
"""The feed ends this long ago: events come from several machines through an index that may lag, and whoever has read
up to a point must not find older ones behind it."""


class Events:
    """The event items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of_client(self, client_id: str, *, after: str | None, now: int, limit: int) -> Iterator[tuple[str, Event]]:
        """Oldest first, each with its `sort` for the next page's `after`."""
        until = keys.sort(keys.EVENT, now - FEED_LAG_MS)
        items = self._table.of_client(client_id, keys.EVENTS, after=after, until=until, limit=limit)
        yield from ((item["sort"], event) for item, event in read(Event, items))
