"""What is known of the fleet as a whole: the breaker, machines that hold no slot, machines that ended badly, people's
own boxes that work, and the hourly search's place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import SCHEMA_VERSION, Breaker
from services.common.domain.times import DAY_MS, MINUTE_MS, SECOND_MS
from services.common.store import keys
from services.common.store.codec import from_item
from services.common.store.operations import ABSENT, PRESENT, Delete, Put, Update
from services.common.store.table import ConditionFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.common.store.table import Table

FORGOTTEN_MS = 5 * MINUTE_MS
"""After which the mark of a stray counts no more: each minute's sweep would have ended it long ago."""
ENDS_DAYS = 7


class FleetItems:
    """The fleet's items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def breaker(self) -> Breaker | None:
        item = self._table.get(keys.BREAKER)
        return from_item(Breaker, item) if item else None

    def silent_boot(self, open_until: int, *, waiting: str | None = None, reason: str | None = None) -> Breaker:
        """Another machine never reported; `open_until` counts once there were enough of them."""
        item = self._table.write(
            Update(
                key=keys.BREAKER,
                when=ABSENT | PRESENT,
                set={
                    "open_until": open_until,
                    "waiting": waiting,
                    "reason": reason,
                    "schema_version": SCHEMA_VERSION,
                },
                add={"silent_boots": 1},
            )
        )
        return from_item(Breaker, item)

    def good_boot(self) -> None:
        """A machine reported: what went wrong before is over."""
        over = {"silent_boots": 0, "waiting": None, "reason": None}
        self._table.attempt(Update(key=keys.BREAKER, when=Attr("silent_boots").gt(0), set=over))

    def mark_stray(self, instance_id: str, now: int) -> int:
        """Note a machine without a slot; returns when it was first seen so. A forgotten mark counts no more."""
        item: dict[str, Any] = {
            **_keyed(keys.stray(instance_id)),
            "seen_at": now,
            "expires_at": (now + DAY_MS) // SECOND_MS,
        }
        try:
            self._table.write(Put(item=item, when=ABSENT | Attr("seen_at").lt(now - FORGOTTEN_MS)))
        except ConditionFailedError as error:
            known = error.items[0]
            return int(known["seen_at"]) if known else now
        return now

    def strays(self) -> dict[str, int]:
        """Machines that were marked, and when."""
        found = self._table.items(keys.FLEET, keys.STRAYS)
        return {item["sk"].removeprefix(keys.STRAYS): int(item["seen_at"]) for item in found}

    def unmark_stray(self, instance_id: str, seen_at: int) -> None:
        """It has a slot after all; a mark that was made since `seen_at` stays."""
        self._table.attempt(Delete(key=keys.stray(instance_id), when=Attr("seen_at").eq(seen_at)))

    def ended_badly(self, slot: str, instance_id: str, now: int, *, why: str, console: str | None) -> None:
        """Keep why a slot's machine ended, when the slot itself is free; `console`: where its console was copied to."""
        item: dict[str, Any] = {
            **_keyed(keys.end(slot)),
            "instance_id": instance_id,
            "ended_at": now,
            "why": why,
            "console": console,
            "expires_at": (now + ENDS_DAYS * DAY_MS) // SECOND_MS,
        }
        self._table.write(Put(item=item))

    def bad_ends(self) -> dict[str, Mapping[str, Any]]:
        """The last one of each slot: `instance_id`, `ended_at`, `why` and perhaps `console`."""
        return {item["sk"].removeprefix(keys.ENDS): item for item in self._table.items(keys.FLEET, keys.ENDS)}

    def present(self, owner: str, *, host: str, beat: int, until: int) -> None:
        """A person's own box works beside the fleet: it has no slot, launches nothing and is ended by nobody."""
        item: dict[str, Any] = {
            **_keyed(keys.own_box(owner)),
            "host": host,
            "beat": beat,
            "until": until,
            "expires_at": until // SECOND_MS,
        }
        self._table.write(Put(item=item))

    def absent(self, owner: str) -> None:
        """It has left."""
        self._table.write(Delete(key=keys.own_box(owner)))

    def own_boxes(self, now: int) -> list[dict[str, Any]]:
        """`host`, `beat` and `until` of every box that is there now."""
        return [item for item in self._table.items(keys.FLEET, keys.OWN_BOXES) if item["until"] > now]

    def search_cursor(self) -> str | None:
        """How far a comparison of uploads with jobs has come; None while none is under way."""
        item = self._table.get(keys.SEARCH)
        return str(item["cursor"]) if item else None

    def move_search(self, seen: str | None, cursor: str | None) -> None:
        """Go on from `cursor` next time, or be done (None), unless another sweep has moved on since `seen`."""
        when = ABSENT if seen is None else Attr("cursor").eq(seen)
        if cursor is not None:
            self._table.attempt(Put(item={**_keyed(keys.SEARCH), "cursor": cursor}, when=when))
        elif seen is not None:
            self._table.attempt(Delete(key=keys.SEARCH, when=when))


def _keyed(key: keys.Key) -> dict[str, str]:
    return {"pk": key[0], "sk": key[1]}
