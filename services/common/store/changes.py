"""Changes as writes: every condition on a job's, a part's or a slot's status is made here, from its transition."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import Job, Part
from services.common.store import keys
from services.common.store.operations import Update

if TYPE_CHECKING:
    from boto3.dynamodb.conditions import ConditionBase

    from services.common.domain.lifecycle.change import Change, Record
    from services.common.domain.states import Transition


def may(transition: Transition) -> ConditionBase:
    """The item is in one of the states from which this transition leads."""
    return Attr("status").is_in(sorted(transition.sources))


def same(record: object, *names: str) -> ConditionBase:
    """The item has these attributes as the record has them."""
    conditions: list[ConditionBase] = [Attr(name).eq(getattr(record, name)) for name in names]
    return reduce(and_, conditions)


def fence(part: Part) -> ConditionBase:
    """Only the holder of this very claim may write."""
    return same(part, "attempt", "owner")


def update(change: Change[Record], when: ConditionBase | None = None) -> Update:
    """The write of a change, under its transition's guard and whatever else is required of the item.

    With the status goes the item's place in the index of what is due. What becomes None is removed.
    """
    guard = may(change.transition)
    attributes: dict[str, Any] = dict(change.set)
    if change.transition.target:
        attributes["status"] = change.transition.target
        after = change.after
        if isinstance(after, Job | Part):
            attributes |= keys.due(after)
    return Update(
        key=keys.of(change.before),
        when=guard if when is None else when & guard,
        set=attributes,
        add=change.add,
    )
