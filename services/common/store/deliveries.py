"""Deliveries: one sender at a time holds the lease of a delivery, and every attempt is written into its ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import Delivery, Event
from services.common.domain.states import DeliveryStatus, DeliveryTransition
from services.common.store import keys
from services.common.store.changes import may, same
from services.common.store.codec import from_item, known
from services.common.store.operations import Operation, Update

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from boto3.dynamodb.conditions import ConditionBase

    from services.common.store.table import Table

KEPT_TRIES = 20
"""Most entries of a ledger: two rounds of the schedule, so that the item stays small however often it is sent again."""


class Deliveries:
    """The delivery items of one table, and the events they point at."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of_job(self, job_id: str, *, after: str | None = None, limit: int | None = None) -> list[Delivery]:
        """The deliveries of a job, or of a callback's own messages, in order of time.

        That is the order of their ids, but for events of earlier releases, which lie among the others in any order.

        Args:
            job_id: of the job, or of the callback.
            after: the sort key of the last delivery that the caller has seen.
            limit: how many, at most.

        """
        items = self._table.items(keys.of_job(job_id), keys.DELIVERIES, after=after, limit=limit)
        return list(known(Delivery, items))

    def overdue(self, now: int, limit: int | None = None) -> Iterator[Delivery]:
        """Deliveries whose next attempt is due or whose sender's lease has ended, longest overdue first.

        The index is read page by page while the iterator is used.
        """
        return known(Delivery, self._table.due(keys.Due.DELIVERY, before=now, limit=limit))

    def event(self, delivery: Delivery) -> Event | None:
        item = self._table.get(keys.event(delivery.job_id, delivery.event_id))
        return from_item(Event, item) if item else None

    def get(self, job_id: str, event_id: str, callback_id: str) -> Delivery | None:
        item = self._table.get(keys.delivery(job_id, event_id, callback_id))
        return from_item(Delivery, item) if item else None

    def take(self, delivery: Delivery, *, owner: str, until: int) -> Delivery | None:
        """Take the lease of a delivery for its next attempt; None if it has changed since it was read.

        Args:
            delivery: as it was read.
            owner: the sender.
            until: when the lease ends, epoch milliseconds.

        """
        taking = Update(
            key=keys.of(delivery),
            when=_unchanged(delivery) & may(DeliveryTransition.TAKE),
            set={"owner": owner, "due_at": until},
        )
        return replace(delivery, owner=owner, due_at=until) if self._table.attempt(taking) else None

    def record(
        self, delivery: Delivery, entry: Mapping[str, Any], *, status: DeliveryStatus, due_at: int | None
    ) -> Delivery | None:
        """Write an attempt into the ledger, and give up the lease.

        Args:
            delivery: as it was taken.
            entry: of the ledger.
            status: after the attempt.
            due_at: of the next attempt, epoch milliseconds; None if there is none.

        Returns:
            The delivery after the change; None if another sender holds it now, whose ledger counts.

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
        """Put the next attempt off until then, epoch milliseconds; False if it has changed since it was read."""
        unchanged = _unchanged(delivery) & may(DeliveryTransition.POSTPONE)
        return self._table.attempt(
            Update(key=keys.of(delivery), when=unchanged, set={"due_at": until}, remove=["owner"])
        )

    def again(self, delivery: Delivery, now: int) -> Operation:
        """The operation that sends a delivery again, in any status, from the schedule's beginning. The ledger is kept.

        Its condition is that no sender holds the lease: two senders never make the same attempt.
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


def _unchanged(delivery: Delivery) -> ConditionBase:
    """The condition that no sender has tried, taken or postponed the delivery since it was read."""
    return same(delivery, "attempts", "due_at")
