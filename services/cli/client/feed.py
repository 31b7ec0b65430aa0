"""The feed of events, read once to its end or followed for ever: no event twice, and none left out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from services.cli.errors import UnreachableError
from services.cli.printing import note
from services.common.domain.events import EventType

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from services.cli.api.client import Api

Event = dict[str, Any]
Page = dict[str, Any]
"""`events`, and `next`, the place behind them."""
_PATH = "/api/events"
LARGEST_PAGE = 100
"""Most events of one reply."""
SHORTEST_PAUSE_SECONDS = 2.0
"""Between two questions at the feed's end."""
LONGEST_PAUSE_SECONDS = 10.0
"""The pause after some time without events."""
_LONGER = 1.5
_SELDOM = EventType.CALLBACK_DISABLED.value


class Feed:
    """A client's events, from a place on."""

    def __init__(
        self,
        api: Api,
        *,
        types: Sequence[str] = (),
        after: str | None = None,
        limit: int | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Begin at a place.

        Args:
            api: of the client.
            types: of the events that are wanted; none: all.
            after: the `next` of an earlier reply; None: the first event that is kept.
            limit: how many events there are to be, at most; None: any number.
            pause: waits for some seconds.

        """
        self._api = api
        self._types = list(types)
        self._left = limit
        self._pause = pause
        self._answered = False
        self.after = after
        """From where to go on: behind the pages that were given and are done with."""

    def skip(self) -> None:
        """Go to the end: the events that are there by now are not given."""
        # Asked for a type that hardly ever happens, the service passes 500 events with each short reply.
        while self._moved(self._ask([_SELDOM], LARGEST_PAGE), self.after):
            pass

    def pages(self, *, follow: bool = False) -> Generator[Page, None, None]:
        """The events, oldest first, some at a time, to the end. If `follow`, on and on, also while the service is away.

        A page is done with when the next one is asked for, or when the caller has moved `after` behind it.

        Raises:
            UnreachableError: the service is away; if `follow`, only if it has never answered.

        """
        ask = self._ask_until_answered if follow else self._ask
        pause, behind = SHORTEST_PAUSE_SECONDS, True
        while self._left != 0:
            size = min(LARGEST_PAGE, self._left or LARGEST_PAGE)
            before, page = self.after, ask(self._types, size)
            count = len(page["events"])
            if count:
                yield page
            moved = self._moved(page, before)
            self._left = None if self._left is None else self._left - count
            # A page that is not full may be the last one, or one of a filter: only the next page tells.
            behind = moved and (behind or count == size)
            if not behind and not follow:
                return
            if not behind:
                pause = SHORTEST_PAUSE_SECONDS if moved else min(pause * _LONGER, LONGEST_PAUSE_SECONDS)
                self._pause(pause)

    def _ask_until_answered(self, types: Sequence[str], size: int) -> Page:
        """A page, however long the service is away."""
        away = False
        while True:
            try:
                page = self._ask(types, size)
            except UnreachableError:
                if not self._answered:
                    raise
                if not away:
                    note("The service is away: this goes on from where it stands when the service is back.")
                away = True
                self._pause(LONGEST_PAUSE_SECONDS)
            else:
                if away:
                    note("The service is back.")
                return page

    def _ask(self, types: Sequence[str], size: int) -> Page:
        page: Page = self._api.get(_PATH, type=list(types), limit=size, after=self.after)
        self._answered = True
        return page

    def _moved(self, page: Page, before: str | None) -> bool:
        """Stand behind a page; whether it led on from `before`: at the end, `next` is where one stands already."""
        self.after = page["next"]
        return self.after != before
