"""Deliveries: taken by one sender at a time, with a ledger of every try."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import Delivery, Event
from services.common.domain.states import DeliveryStatus
from services.common.store import keys
from services.common.store.changes import same
from services.common.store.codec import from_item, known
from services.common.store.operations import Operation, Update

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from boto3.dynamodb.conditions import ConditionBase

    from services.common.store.table import Table

KEPT_TRIES = 20
"""Entries of a ledger: two rounds of the schedule, so that an item stays small however often it is sent again."""


class Deliveries:
    """The delivery items of one table, and the events they point at."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of_job(self, job_id: str, *, after: str | None = None, limit: int | None = None) -> list[Delivery]:
        """Those of a job, or of a callback's own messages, by id; `after` is the sort key of the last one seen."""
        items = self._table.items(keys.of_job(job_id), keys.DELIVERIES, after=after, limit=limit)
        return list(known(Delivery, items))

    def overdue(self, now: int, limit: int | None = None) -> Iterator[Delivery]:
        """Those whose next try has come or whose sender's lease has ended, longest overdue first; read as they go."""
        return known(Delivery, self._table.due(keys.Due.DELIVERY, before=now, limit=limit))

    def event(self, delivery: Delivery) -> Event | None:
        item = self._table.get(keys.event(delivery.job_id, delivery.event_id))
        return from_item(Event, item) if item else None

    def get(self, job_id: str, event_id: str, callback_id: str) -> Delivery | None:
        item = self._table.get(keys.delivery(job_id, event_id, callback_id))
        return from_item(Delivery, item) if item else None

    def take(self, delivery: Delivery, *, owner: str, until: int) -> Delivery | None:
        """Become the one sender of the next try; None if another is."""
        taking = Update(
            key=keys.of(delivery),
            when=_awaits_this_try(delivery),
            set={"owner": owner, "due_at": until},
        )
        return replace(delivery, owner=owner, due_at=until) if self._table.attempt(taking) else None

    def record(
        self, delivery: Delivery, entry: Mapping[str, Any], *, status: DeliveryStatus, due_at: int | None
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
            key=keys.of(delivery),
            when=same(delivery, "owner", "attempts"),
            set={"attempts": after.attempts, "tries": after.tries, "status": status, "due_at": due_at},
            remove=["owner", *([] if due_at else ["due_kind"])],
        )
        return after if self._table.attempt(writing) else None

    def postpone(self, delivery: Delivery, until: int) -> bool:
        """Look at it again later, without a try; False if another sender has it."""
        later = Update(key=keys.of(delivery), when=_awaits_this_try(delivery), set={"due_at": until}, remove=["owner"])
        return self._table.attempt(later)

    def again(self, delivery: Delivery, now: int) -> Operation:
        """Send it once more whatever came of it, from the schedule's beginning; the ledger is kept.

        Not while a sender is at it: one attempt is never made by two.
        """
        idle = Attr("owner").not_exists() | Attr("due_at").lte(now)
        return Update(
            key=keys.of(delivery),
            when=same(delivery, "attempts", "status") & idle,
            set={
                "status": DeliveryStatus.PENDING,
                "attempts_before": delivery.attempts,
                "due_kind": keys.Due.DELIVERY,
                "due_at": now,
            },
            remove=["owner"],
        )


def _awaits_this_try(delivery: Delivery) -> ConditionBase:
    """Nobody has tried it, taken it or put it off since it was read."""
    return Attr("status").eq(DeliveryStatus.PENDING) & same(delivery, "attempts", "due_at")
