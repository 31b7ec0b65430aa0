"""The feed of a client's events in order of time, for clients that missed a webhook."""

from __future__ import annotations

from collections.abc import Iterator

from services.common.domain.records import Event
from services.common.domain.times import SECOND_MS
from services.common.store import keys
from services.common.store.codec import read
from services.common.store.table import Table

FEED_LAG_MS = 5 * SECOND_MS
"""How far the feed's end lies in the past. Events come from several machines through an index that may lag, and no
event may appear before a point up to which a client has read."""


class Events:
    """The event items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of_client(self, client_id: str, *, after: str | None, now: int, limit: int) -> Iterator[tuple[str, Event]]:
        """A client's events, oldest first, each with its `sort`, which is the next page's `after`."""
        until = keys.sort(keys.EVENT, now - FEED_LAG_MS)
        items = self._table.of_client(client_id, keys.EVENTS, after=after, until=until, limit=limit)
        yield from ((item["sort"], event) for item, event in read(Event, items))
