"""The feed of a client's events in order of time, for clients that missed a webhook."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from services.common.domain.records import Event
from services.common.domain.times import SECOND_MS
from services.common.store import keys
from services.common.store.codec import page_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.common.store.codec import Page
    from services.common.store.table import Table

FEED_LAG_MS = 5 * SECOND_MS
"""How far the feed's end lies in the past. Events come from several machines through an index that may lag, and no
event may appear before a point up to which a client has read."""


class Events:
    """The event items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def page(
        self,
        client_id: str,
        *,
        after: str | None,
        now: int,
        size: int,
        wanted: Callable[[Event], bool] | None = None,
    ) -> Page[Event]:
        """A page of a client's events, oldest first.

        Args:
            client_id: of the client.
            after: the `last` of the page before.
            now: epoch milliseconds.
            size: how many events, at most.
            wanted: which events are in the list; None: all.

        """
        until = keys.sort(keys.EVENT, now - FEED_LAG_MS)
        items = partial(self._table.of_client, client_id, keys.EVENTS, after=after, until=until)
        return page_of(Event, items, size=size, wanted=wanted)
