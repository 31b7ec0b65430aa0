"""Finds what is the caller's: jobs, callbacks, vocabularies, deliveries. Others' give the same 404 as unknown ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from services.api.problem_codes import ProblemCode
from services.api.problems import Problem, not_found
from services.api.service import Service
from services.common.domain.records import Callback, Delivery, Job, Part
from services.common.domain.tombstone import Tombstone
from services.common.domain.vocabularies import NAME, Vocabulary
from services.common.store.clients import Caller
from services.common.store.idempotency import IdempotencyRecord

# Other texts are not looked for: DynamoDB refuses keys that are empty or too long.
_ID = re.compile(r"(job|cb|evt)_[a-z2-7]{1,40}")
_NAME = re.compile(NAME)


def job(job_id: str, caller: Caller, wired: Service) -> Job:
    """A job of this client.

    Raises:
        Problem: 404, it is unknown or another client's.

    """
    found = wired.store.jobs.get(job_id) if _ID.fullmatch(job_id) else None
    if found is None or found.client_id != caller.client_id:
        raise not_found("job")
    return found


def job_with_parts(job_id: str, caller: Caller, wired: Service) -> tuple[Job, list[Part]]:
    """A job of this client and its parts; raises a 404 as `job` does."""
    found = wired.store.jobs.with_parts(job_id) if _ID.fullmatch(job_id) else None
    if found is None or found[0].client_id != caller.client_id:
        raise not_found("job")
    return found


def tombstone(job_id: str, caller: Caller, wired: Service) -> Tombstone:
    """The tombstone of an erased job of this client; raises a 404 as `job` does."""
    found = wired.store.tombstones.get(job_id) if _ID.fullmatch(job_id) else None
    if found is None or found.client_id != caller.client_id:
        raise not_found("job")
    return found


def callback(callback_id: str, caller: Caller, wired: Service) -> Callback:
    """A callback of this client; raises a 404 as `job` does."""
    found = wired.store.callbacks.get(caller.client_id, callback_id) if _ID.fullmatch(callback_id) else None
    if found is None:
        raise not_found("callback")
    return found


def vocabulary(name: str, caller: Caller, wired: Service) -> Vocabulary:
    """A vocabulary of this client; raises a 404 as `job` does."""
    found = wired.store.vocabularies.get(caller.client_id, name) if _NAME.fullmatch(name) else None
    if found is None:
        raise not_found("vocabulary")
    return found


def delivery(subject: str, delivery_id: str, wired: Service) -> Delivery:
    """A delivery of a job or a callback that is known to be the caller's; raises a 404 as `job` does."""
    event_id, _, callback_id = delivery_id.partition(".")
    known = _ID.fullmatch(event_id) and _ID.fullmatch(callback_id)
    found = wired.store.deliveries.get(subject, event_id, callback_id) if known else None
    if found is None:
        raise not_found("delivery")
    return found


Found = TypeVar("Found")
Finder = Callable[[str, Caller, Service], Found]
"""Finds what is the caller's by its name or id; raises a 404 if it is not there."""


def made_before(find: Finder[Found], name: str, caller: Caller, wired: Service) -> Found:
    """Find what an earlier request under the same idempotency key has made.

    Raises:
        Problem: 409, it has been deleted since then.

    """
    try:
        return find(name, caller, wired)
    except Problem:
        detail = "This request was carried out before; what it made is deleted."
        raise Problem(ProblemCode.DELETED_SINCE, detail, Idempotent_Replayed="true") from None


def carried_out_before(record: IdempotencyRecord | None, wired: Service, *, else_: Problem) -> Mapping[str, Any]:
    """The reference of this very request if it was carried out before: then it is answered as it was, not refused.

    Raises:
        Problem: `else_`, the request was not carried out before.
        KeyReusedError: the key was used for another request.

    """
    earlier = wired.store.commits.earlier(record)
    if earlier is None:
        raise else_
    return earlier
