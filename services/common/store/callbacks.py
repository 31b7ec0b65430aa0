"""Callbacks and clients: who wants to hear, and whose keys open the door."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import Callback
from services.common.store.clients import callback_count
from services.common.store.codec import UnknownVersionError, from_item, to_item
from services.common.store.events import MAX_LISTENERS
from services.common.store.table import ABSENT, PRESENT, ConditionFailedError, Delete, Key, Operation, Put, Update

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from boto3.dynamodb.conditions import ConditionBase

    from services.common.domain.records import Job
    from services.common.store.events import Announcement
    from services.common.store.table import Table


def _home(client_id: str, job_id: str | None) -> str:
    """A callback lies with its client, or with the one job that it was registered for."""
    return f"JOB#{job_id}" if job_id else f"CLIENT#{client_id}"


def callback_key(callback: Callback) -> Key:
    return _home(callback.client_id, callback.job_id), f"CALLBACK#{callback.callback_id}"


def callback_item(callback: Callback) -> dict[str, object]:
    pk, sk = callback_key(callback)
    return to_item(callback, pk=pk, sk=sk)


def registration(callback: Callback) -> list[Operation]:
    """A new callback; one for a single job is not counted, since no other job's event can reach it."""
    new: list[Operation] = [Put(item=callback_item(callback), when=ABSENT)]
    if callback.job_id is None:
        new.append(callback_count(callback.client_id, 1, at_most=MAX_LISTENERS))
    return new


def rotation(callback: Callback, secrets: Sequence[Mapping[str, Any]]) -> Operation:
    """Other secrets, provided that nobody else changed them meanwhile."""
    return Update(
        key=callback_key(callback),
        when=Attr("secrets").eq(list(callback.secrets)),
        set={"secrets": list(secrets)},
    )


def enabling(callback: Callback) -> Operation:
    """A disabled callback is sent to again."""
    return Update(
        key=callback_key(callback),
        when=Attr("status").eq("disabled"),
        set={"status": "active"},
        remove=["disabled_reason", "failing_since"],
    )


def prolonging(callback: Callback, expires_at: int | None) -> Operation:
    """The callback of a job that lives longer than was thought."""
    return Update(key=callback_key(callback), when=PRESENT, set={"expires_at": expires_at})


@dataclass(frozen=True)
class ClientView:
    """What intake must know of a client."""

    known: bool
    callbacks: Sequence[Callback]


class Callbacks:
    """The callback items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def register(self, callback: Callback) -> None:
        """Add a callback.

        Raises:
            ConditionFailedError: the client has as many as it may.

        """
        self._table.transact(registration(callback))

    def get(self, client_id: str, callback_id: str, job_id: str | None = None) -> Callback | None:
        item = self._table.get((_home(client_id, job_id), f"CALLBACK#{callback_id}"))
        return from_item(Callback, item) if item else None

    def view(self, client_id: str) -> ClientView:
        """Whether there is such a client, and its callbacks, in one read."""
        known, callbacks = False, []
        for item in self._table.items(_home(client_id, None)):
            if item["sk"] == "CLIENT":
                known = True
            elif item["sk"].startswith("CALLBACK#"):
                with suppress(UnknownVersionError):
                    callbacks.append(from_item(Callback, item))
        return ClientView(known, callbacks)

    def of_client(self, client_id: str) -> list[Callback]:
        return self._in(_home(client_id, None))

    def of_job(self, job: Job) -> list[Callback]:
        """All that may want to hear of a job: its client's and its own."""
        own = self._in(_home(job.client_id, job.job_id)) if job.own_callback else []
        return own + self.of_client(job.client_id)

    def remove(self, callback: Callback) -> bool:
        forgetting: list[Operation] = [Delete(key=callback_key(callback), when=PRESENT)]
        if callback.job_id is None:
            forgetting.append(callback_count(callback.client_id, -1))
        try:
            self._table.transact(forgetting)
        except ConditionFailedError:
            return False
        return True

    def failing(self, callback: Callback, since: int) -> None:
        """Nothing gets through; what was noted before stands."""
        self._change(callback, Attr("failing_since").not_exists(), {"failing_since": since})

    def healthy(self, callback: Callback) -> None:
        """Something got through."""
        self._change(callback, Attr("failing_since").exists(), {"failing_since": None})

    def activate(self, callback: Callback) -> None:
        """Its owner has answered the challenge."""
        self._change(callback, Attr("status").eq("pending"), {"status": "active"})

    def disable(self, callback: Callback, reason: str, announcement: Announcement) -> bool:
        """Nothing is sent there any more, and the client's others hear of it; False if that was so already."""
        disabling = Update(
            key=callback_key(callback),
            when=Attr("status").eq("active"),
            set={"status": "disabled", "disabled_reason": reason},
        )
        try:
            self._table.transact([disabling, *announcement.operations()])
        except ConditionFailedError:
            return False
        return True

    def _change(self, callback: Callback, when: ConditionBase, changes: dict[str, object]) -> None:
        try:
            self._table.write(Update(key=callback_key(callback), when=PRESENT & when, set=changes))
        except ConditionFailedError:
            return

    def _in(self, pk: str) -> list[Callback]:
        found = []
        for item in self._table.items(pk, "CALLBACK#"):
            try:
                found.append(from_item(Callback, item))
            except UnknownVersionError:
                continue
        return found
