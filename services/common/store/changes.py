"""Changes as conditional writes. All conditions on a job's, part's or slot's status are made here, from transitions."""

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

    from services.common.domain.lifecycle.change import Change, Record, UnreadChange
    from services.common.domain.states import Transition


_SCHEDULING = {"upload_expires_at", "tell_correction_at"}
"""The fields of a job, beside its status, that say when it is due."""


def may(transition: Transition) -> ConditionBase:
    """The condition that the item is in one of the states from which this transition leads."""
    return Attr("status").is_in(sorted(transition.sources))


def same(record: object, *names: str) -> ConditionBase:
    """The condition that these attributes of the item are as in the record."""
    conditions: list[ConditionBase] = [Attr(name).eq(getattr(record, name)) for name in names]
    return reduce(and_, conditions)


def in_sequence(job: Job) -> ConditionBase:
    """The condition that nothing about the job was announced or updated since it was read.

    An item that an earlier release made has no sequence, which counts as 0.
    """
    unchanged = same(job, "sequence")
    return unchanged if job.sequence else unchanged | Attr("sequence").not_exists()


def same_multipart(job: Job) -> ConditionBase:
    """The condition that nobody has begun or given up an upload in parts since the job was read."""
    if job.multipart is None:
        return Attr("multipart").not_exists()
    return Attr("multipart.upload_id").eq(job.multipart["upload_id"])


def same_upload(job: Job) -> ConditionBase:
    """The condition that the job's upload is awaited as it was when the job was read: so, and until then."""
    if job.upload_expires_at is None:  # a plain upload's
        return Attr("upload_expires_at").not_exists()
    return same_multipart(job) & same(job, "upload_expires_at")


def fence(part: Part) -> ConditionBase:
    """The fence: the condition that the part is still held by this very claim, (attempt, owner)."""
    return same(part, "attempt", "owner")


def update_unread(key: keys.Key, change: UnreadChange, when: ConditionBase) -> Update:
    """The conditional write of a change whose writer has not read the item; `when` says which item it must be."""
    status = {"status": change.transition.target} if change.transition.target else {}
    return Update(key=key, when=when & may(change.transition), set={**change.set, **status})


def update(change: Change[Record], when: ConditionBase | None = None) -> Update:
    """The conditional write of a change.

    A new status, and another time at which a job is due, also set the item's place in the index `due`. Attributes that
    become None are removed.

    Args:
        change: what is written. Its transition's states are a condition, and so is the job's sequence if it is raised.
        when: a further condition.

    """
    guard = may(change.transition)
    if isinstance(change.before, Job) and "sequence" in change.set:
        guard &= in_sequence(change.before)
    attributes: dict[str, Any] = dict(change.set)
    if change.transition.target:
        attributes["status"] = change.transition.target
    if change.transition.target or _SCHEDULING & change.set.keys():
        after = change.after
        if isinstance(after, Job | Part):
            attributes |= keys.due(after)
    return Update(
        key=keys.of(change.before),
        when=guard if when is None else when & guard,
        set=attributes,
        add=change.add,
    )
