"""Items about the fleet as a whole.

The circuit breaker, machines without a slot, machines that ended badly, people's own boxes that work beside it, and
what the hourly search, the hourly audit and the daily walk remember.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.audit import Audit
from services.common.domain.machines import Breaker
from services.common.domain.records import SCHEMA_VERSION
from services.common.domain.search import Search
from services.common.domain.times import DAY_MS, MINUTE_MS, SECOND_MS
from services.common.domain.walk import Walk
from services.common.store import keys
from services.common.store.changes import same
from services.common.store.codec import from_item, to_item
from services.common.store.operations import ABSENT, PRESENT, ConditionFailedError, Delete, Put, Update

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boto3.dynamodb.conditions import ConditionBase

    from services.common.store.table import Table

FORGOTTEN_MS = 5 * MINUTE_MS
"""Age from which the mark of a stray is ignored: a real stray would have been ended by a sweep long before."""
ENDS_DAYS = 7


class FleetItems:
    """The fleet's items in one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def breaker(self) -> Breaker | None:
        item = self._table.get(keys.BREAKER)
        return from_item(Breaker, item) if item else None

    def silent_boot(self, open_until: int, *, waiting: str | None = None, reason: str | None = None) -> Breaker:
        """Count a machine that never reported; returns the breaker after that.

        Args:
            open_until: when the breaker's pause ends, epoch milliseconds, if this machine opens it.
            waiting: what jobs wait for, if the account keeps machines from starting.
            reason: why the machine ended, in sentences.

        """
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
        """Close the breaker and reset its count: a machine has reported."""
        over = {"silent_boots": 0, "waiting": None, "reason": None}
        self._table.attempt(Update(key=keys.BREAKER, when=Attr("silent_boots").gt(0), set=over))

    def mark_stray(self, instance_id: str, now: int) -> int:
        """Mark a machine without a slot; returns when it was first seen so, epoch milliseconds.

        A mark older than `FORGOTTEN_MS` is replaced.
        """
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
        """The marked machines: instance id → when it was marked, epoch milliseconds."""
        found = self._table.items(keys.FLEET, keys.STRAYS)
        return {item["sk"].removeprefix(keys.STRAYS): int(item["seen_at"]) for item in found}

    def unmark_stray(self, instance_id: str, seen_at: int) -> None:
        """Remove the mark of a machine that has a slot; a mark that was made after `seen_at` stays."""
        self._table.attempt(Delete(key=keys.stray(instance_id), when=Attr("seen_at").eq(seen_at)))

    def ended_badly(self, slot: str, instance_id: str, now: int, *, why: str, console: str | None) -> None:
        """Store why a slot's last machine ended badly, since the slot's own item is gone.

        Args:
            slot: its name.
            instance_id: of the machine.
            now: epoch milliseconds.
            why: in sentences.
            console: the log group and stream to which the machine's console was copied, if it was.

        """
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
        """The last bad end of each slot: slot → `instance_id`, `ended_at`, `why` and perhaps `console`."""
        return {item["sk"].removeprefix(keys.ENDS): item for item in self._table.items(keys.FLEET, keys.ENDS)}

    def present(self, owner: str, *, host: str, beat: int, until: int) -> None:
        """Note that a person's own box works beside the fleet. It has no slot, and the sweep never ends it.

        Args:
            owner: the box's name, new at each start.
            host: its host name, for people.
            beat: its heartbeat counter.
            until: when it counts as gone without a further heartbeat, epoch milliseconds.

        """
        item: dict[str, Any] = {
            **_keyed(keys.own_box(owner)),
            "host": host,
            "beat": beat,
            "until": until,
            "expires_at": until // SECOND_MS,
        }
        self._table.write(Put(item=item))

    def absent(self, owner: str) -> None:
        """Note that a person's own box has left."""
        self._table.write(Delete(key=keys.own_box(owner)))

    def own_boxes(self, now: int) -> list[dict[str, Any]]:
        """The own boxes that work now, each with `host`, `beat` and `until`."""
        return [item for item in self._table.items(keys.FLEET, keys.OWN_BOXES) if item["until"] > now]

    def search(self) -> Search | None:
        """What the search for lost uploads remembers; None: there was none yet."""
        item = self._table.get(keys.SEARCH)
        return from_item(Search, item) if item else None

    def move_search(self, seen: Search | None, search: Search) -> bool:
        """Store how far the search is, if it is still as it was `seen`; False: another sweep has moved it meanwhile."""
        when: ConditionBase = ABSENT
        if seen is not None:
            # An item of version 0.1.0 has a cursor only.
            when = Attr("cursor").eq(seen.cursor) & (Attr("began").eq(seen.began) | Attr("began").not_exists())
        return self._table.attempt(Put(item=to_item(search, **_keyed(keys.SEARCH)), when=when))

    def walk(self) -> Walk | None:
        """How far the daily walk through the bucket is; None: there was none yet."""
        item = self._table.get(keys.WALK)
        return from_item(Walk, item) if item else None

    def move_walk(self, seen: Walk | None, walk: Walk) -> bool:
        """Store how far the walk is, if it is still as it was `seen`; False: another sweep has moved it meanwhile."""
        when = ABSENT if seen is None else Attr("cursor").eq(seen.cursor) & Attr("began").eq(seen.began)
        return self._table.attempt(Put(item=to_item(walk, **_keyed(keys.WALK)), when=when))

    def audit(self) -> Audit | None:
        """How far the hourly audit is; None: there was none yet."""
        item = self._table.get(keys.AUDIT)
        return from_item(Audit, item) if item else None

    def move_audit(self, seen: Audit | None, audit: Audit) -> bool:
        """Store how far the audit is, if it is still as it was `seen`; False: another sweep has moved it meanwhile."""
        when = ABSENT if seen is None else same(seen, "stage", "client", "cursor", "began")
        return self._table.attempt(Put(item=to_item(audit, **_keyed(keys.AUDIT)), when=when))


def _keyed(key: keys.Key) -> dict[str, str]:
    return {"pk": key[0], "sk": key[1]}
