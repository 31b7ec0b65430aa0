"""Callbacks: the endpoints to which events are sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.events import MAX_LISTENERS
from services.common.domain.records import Callback
from services.common.domain.states import CallbackStatus, CallbackTransition
from services.common.store import keys
from services.common.store.changes import may, same
from services.common.store.clients import Counted, count
from services.common.store.codec import from_item, known
from services.common.store.items import item_of
from services.common.store.operations import ABSENT, PRESENT, ConditionFailedError, Delete, Operation, Put, Update

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from boto3.dynamodb.conditions import ConditionBase

    from services.common.domain.records import Job
    from services.common.store.announcements import Announcement
    from services.common.store.table import Table


def registration(callback: Callback) -> list[Operation]:
    """The operations that store a new callback.

    A callback for a single job does not count towards the client's limit, since it gets no other job's events.
    """
    new: list[Operation] = [Put(item=item_of(callback), when=ABSENT)]
    if callback.job_id is None:
        new.append(count(callback.client_id, Counted.CALLBACKS, 1, at_most=MAX_LISTENERS))
    return new


def rotation(callback: Callback, secrets: Sequence[Mapping[str, Any]]) -> Operation:
    """The operation that replaces the secrets, if they have not changed since `callback` was read."""
    return Update(
        key=keys.of(callback),
        when=same(callback, "secrets"),
        set={"secrets": list(secrets)},
    )


def enabling(callback: Callback, now: int) -> Operation:
    """The operation that makes a disabled callback active again; `now`: epoch milliseconds."""
    return Update(
        key=keys.of(callback),
        when=may(CallbackTransition.ENABLE),
        set={"status": CallbackStatus.ACTIVE, "listens_since": now},
        remove=["disabled_reason", "failing_since"],
    )


def prolonging(callback: keys.Key, expires_at: int | None) -> Operation:
    """The operation that keeps the callback of a job for longer, until `expires_at` (epoch seconds)."""
    return Update(key=callback, when=PRESENT, set={"expires_at": expires_at})


@dataclass(frozen=True)
class ClientLookup:
    """What intake reads about a client."""

    known: bool
    """Whether it was made known."""
    callbacks: Sequence[Callback]
    defaults: Mapping[str, Any]
    """The options that its plain uploads get."""


class Callbacks:
    """The callback items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def register(self, callback: Callback) -> None:
        """Store a new callback.

        Raises:
            ConditionFailedError: the client has as many callbacks as it may have.

        """
        self._table.transact(registration(callback))

    def get(self, client_id: str, callback_id: str, job_id: str | None = None) -> Callback | None:
        item = self._table.get(keys.callback(client_id, callback_id, job_id))
        return from_item(Callback, item) if item else None

    def look_up_client(self, client_id: str) -> ClientLookup:
        """Read whether the client was made known, with which defaults, and its callbacks, in one query.

        Their keys are neighbours. Keys and vocabularies, which lie behind them, are not read.
        """
        items = list(self._table.between(keys.of_client(client_id), keys.CALLBACKS, keys.CLIENT))
        callbacks = [item for item in items if item["sk"].startswith(keys.CALLBACKS)]
        own = next((item for item in items if item["sk"] == keys.CLIENT), None)
        defaults = own.get("defaults", {}) if own else {}
        return ClientLookup(known=own is not None, callbacks=list(known(Callback, callbacks)), defaults=defaults)

    def of_client(self, client_id: str) -> list[Callback]:
        return self._in(keys.of_client(client_id))

    def of_job(self, job: Job) -> list[Callback]:
        """All callbacks that may listen to a job: its own and its client's."""
        own = self._in(keys.of_job(job.job_id)) if job.own_callback else []
        return own + self.of_client(job.client_id)

    def update(self, callback: Callback, changes: Mapping[str, Any], now: int) -> Callback | None:
        """Change some attributes of a callback.

        Args:
            callback: as it was read.
            changes: the attributes as they are stored; None removes one. With a new `url` it is forgotten since when
                no delivery succeeds: that was at the old one.
            now: epoch milliseconds.

        Returns:
            The callback after the change; None if it is gone.

        """
        forgotten = {"failing_since": None} if "url" in changes else {}
        changed = {**changes, **forgotten, "listens_since": now}
        updating = Update(key=keys.of(callback), when=PRESENT, set=changed)
        try:
            return from_item(Callback, self._table.write(updating))
        except ConditionFailedError:
            return None

    def remove(self, callback: Callback) -> bool:
        forgetting: list[Operation] = [Delete(key=keys.of(callback), when=PRESENT)]
        if callback.job_id is None:
            forgetting.append(count(callback.client_id, Counted.CALLBACKS, -1))
        return self._table.attempt_all(forgetting)

    def failing(self, callback: Callback, since: int) -> None:
        """Note since when nothing arrives at this very address, epoch milliseconds; an earlier time stays."""
        unsaid = Attr("failing_since").not_exists() & same(callback, "url")
        self._change(callback, unsaid, {"failing_since": since})

    def healthy(self, callback: Callback) -> None:
        """Note that a delivery has succeeded."""
        self._change(callback, Attr("failing_since").exists(), {"failing_since": None})

    def activate(self, callback: Callback, now: int) -> None:
        """Make a pending callback active: its receiver has answered the challenge. `now`: epoch milliseconds."""
        active = {"status": CallbackStatus.ACTIVE, "listens_since": now}
        self._change(callback, may(CallbackTransition.ACTIVATE), active)

    def disable(self, callback: Callback, reason: str, announcement: Announcement) -> bool:
        """Disable a callback and announce that to the client's others.

        False if it is not active, or has another address by now: the reason was the old one's.
        """
        disabling = Update(
            key=keys.of(callback),
            when=may(CallbackTransition.DISABLE) & same(callback, "url"),
            set={"status": CallbackStatus.DISABLED, "disabled_reason": reason},
        )
        return self._table.attempt_all([disabling, *announcement.operations()])

    def _change(self, callback: Callback, when: ConditionBase, changes: Mapping[str, object]) -> None:
        self._table.attempt(Update(key=keys.of(callback), when=PRESENT & when, set=changes))

    def _in(self, pk: str) -> list[Callback]:
        return list(known(Callback, self._table.items(pk, keys.CALLBACKS)))
