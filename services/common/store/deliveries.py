"""Deliveries: taken by one sender at a time, with a ledger of every try."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import Delivery, Event
from services.common.store.codec import UnknownVersionError, from_item
from services.common.store.table import ConditionFailedError, Key, Operation, Update

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from services.common.store.table import Table

KEPT_TRIES = 20
"""Entries of a ledger: two rounds of the schedule, so that an item stays small however often it is sent again."""


def delivery_key(delivery: Delivery) -> Key:
    return f"JOB#{delivery.job_id}", f"DELIVERY#{delivery.event_id}#{delivery.callback_id}"


class Deliveries:
    """The delivery items of one table, and the events they point at."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of_job(self, job_id: str, *, after: str | None = None, limit: int | None = None) -> list[Delivery]:
        """Those of a job, or of a callback's own messages, by id; `after` is the sort key of the last one seen."""
        return list(_known(self._table.items(f"JOB#{job_id}", "DELIVERY#", after=after, limit=limit)))

    def overdue(self, now: int, limit: int | None = None) -> Iterator[Delivery]:
        """Those whose next try has come or whose sender's lease has ended, longest overdue first; read as they go."""
        return _known(self._table.due("delivery", before=now, limit=limit))

    def event(self, delivery: Delivery) -> Event | None:
        item = self._table.get((f"JOB#{delivery.job_id}", f"EVENT#{delivery.event_id}"))
        return from_item(Event, item) if item else None

    def get(self, job_id: str, event_id: str, callback_id: str) -> Delivery | None:
        item = self._table.get((f"JOB#{job_id}", f"DELIVERY#{event_id}#{callback_id}"))
        return from_item(Delivery, item) if item else None

    def take(self, delivery: Delivery, *, owner: str, until: int) -> Delivery | None:
        """Become the one sender of the next try; None if another is."""
        taking = Update(
            key=delivery_key(delivery),
            when=Attr("status").eq("pending")
            & Attr("attempts").eq(delivery.attempts)
            & Attr("due_at").eq(delivery.due_at),
            set={"owner": owner, "due_at": until},
        )
        try:
            self._table.write(taking)
        except ConditionFailedError:
            return None
        return replace(delivery, owner=owner, due_at=until)

    def record(
        self, delivery: Delivery, entry: Mapping[str, Any], *, status: str, due_at: int | None
    ) -> Delivery | None:
        """Write a try into the ledger; `due_at` is the next try's time, None when there is none.

        Returns None if the delivery is no longer this sender's: somebody else's ledger counts.
        """
        after = replace(
            delivery,
            attempts=delivery.attempts + 1,
            tries=[*delivery.tries, dict(entry)][-KEPT_TRIES:],
            status=status,
            owner=None,
            due_at=due_at or 0,
        )
        writing = Update(
            key=delivery_key(delivery),
            when=Attr("owner").eq(delivery.owner) & Attr("attempts").eq(delivery.attempts),
            set={"attempts": after.attempts, "tries": after.tries, "status": status, "due_at": due_at},
            remove=["owner", *([] if due_at else ["due_kind"])],
        )
        try:
            self._table.write(writing)
        except ConditionFailedError:
            return None
        return after

    def postpone(self, delivery: Delivery, until: int) -> bool:
        """Look at it again later, without a try; False if another sender has it."""
        later = Update(
            key=delivery_key(delivery),
            when=Attr("status").eq("pending")
            & Attr("attempts").eq(delivery.attempts)
            & Attr("due_at").eq(delivery.due_at),
            set={"due_at": until},
            remove=["owner"],
        )
        try:
            self._table.write(later)
        except ConditionFailedError:
            return False
        return True

    def again(self, delivery: Delivery, now: int) -> Operation:
        """Send it once more whatever came of it, from the schedule's beginning; the ledger is kept.

        Not while a sender is at it: one attempt is never made by two.
        """
        idle = Attr("owner").not_exists() | Attr("due_at").lte(now)
        return Update(
            key=delivery_key(delivery),
            when=Attr("attempts").eq(delivery.attempts) & Attr("status").eq(delivery.status) & idle,
            set={
                "status": "pending",
                "attempts_before": delivery.attempts,
                "due_kind": "delivery",
                "due_at": now,
            },
            remove=["owner"],
        )


def _known(items: Iterator[dict[str, Any]]) -> Iterator[Delivery]:
    for item in items:
        try:
            yield from_item(Delivery, item)
        except UnknownVersionError:
            continue
