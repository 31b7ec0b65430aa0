"""Callbacks: registered, listed, read and deleted."""

from __future__ import annotations

import secrets

from fastapi import Response

from services.api import openapi
from services.api.auth import Authenticated, Wired
from services.api.idempotency import Idempotent
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem, not_found
from services.api.routes import lookup
from services.api.schemas.callbacks import CallbackList, CallbackUpdate, CallbackView, NewCallback, NewSecret
from services.common.domain.events import EventType, compose_about
from services.common.domain.object_keys import folder
from services.common.domain.states import CallbackStatus
from services.common.domain.times import expiry
from services.common.store.announcements import direct
from services.common.store.callbacks import registration
from services.common.store.operations import ConditionFailedError
from services.common.webhooks.registration import checked, new_callback

router = openapi.router("/callbacks", "callbacks")
_REFUSALS = (
    ProblemCode.TOO_MANY_CALLBACKS,
    ProblemCode.DELETED_SINCE,
    ProblemCode.INVALID_URL,
    ProblemCode.ADDRESS_REFUSED,
)


@router.post("", status_code=201, responses=openapi.created("callback", *_REFUSALS))
def register_callback(
    wanted: NewCallback, caller: Authenticated, wired: Wired, idempotency: Idempotent, response: Response
) -> NewSecret:
    """Register an endpoint; its secret is shown this once."""
    secret, seed = idempotency.fresh_secret()
    callback = new_callback(
        client_id=caller.client_id,
        url=wanted.url,
        secret=secret,
        vault=wired.vault,
        now=wired.clock(),
        events=wanted.events,
        prefix=wanted.prefix,
        description=wanted.description,
        status=CallbackStatus.PENDING if wanted.challenge else CallbackStatus.ACTIVE,
        allow_private=wired.settings.webhook_allow_private,
    )
    operations = registration(callback)
    if wanted.challenge:
        event = compose_about(
            callback,
            EventType.CALLBACK_CHALLENGE,
            subject=callback.callback_id,
            serial="registration",
            now=wired.clock(),
            expires_at=expiry(wired.clock(), wired.settings.retention_days),
            challenge=secrets.token_urlsafe(24),
        )
        operations += direct(event, callback)
    try:
        earlier = wired.store.commit(operations, idempotency.record(callback_id=callback.callback_id, **seed))
    except ConditionFailedError:
        detail = "This client has as many callbacks as it may: delete one."
        raise Problem(ProblemCode.TOO_MANY_CALLBACKS, detail) from None
    if earlier:
        callback = lookup.made_before(lookup.callback, earlier["callback_id"], caller, wired)
        secret = idempotency.earlier_secret(earlier)
    response.headers["Location"] = f"/api/callbacks/{callback.callback_id}"
    return NewSecret(**dict(CallbackView.of(callback, folder(caller.client_id))), secret=secret)


@router.get("", responses=openapi.listed("callbacks"))
def list_callbacks(caller: Authenticated, wired: Wired) -> CallbackList:
    """All callbacks of this client."""
    found = wired.store.callbacks.of_client(caller.client_id)
    return CallbackList(callbacks=[CallbackView.of(one, folder(caller.client_id)) for one in found])


@router.get("/{callback_id}", responses=openapi.problems(ProblemCode.NOT_FOUND))
def read_callback(callback_id: str, caller: Authenticated, wired: Wired) -> CallbackView:
    """One callback; never its secret."""
    return CallbackView.of(lookup.callback(callback_id, caller, wired), folder(caller.client_id))


@router.patch(
    "/{callback_id}",
    responses=openapi.problems(ProblemCode.NOT_FOUND, ProblemCode.INVALID_URL, ProblemCode.ADDRESS_REFUSED),
)
def update_callback(callback_id: str, wanted: CallbackUpdate, caller: Authenticated, wired: Wired) -> CallbackView:
    """Change what is given and leave the rest; messages under way go to a new URL with their next attempt."""
    callback = lookup.callback(callback_id, caller, wired)
    changes = checked(
        wanted.model_dump(exclude_unset=True),
        caller.client_id,
        allow_private=wired.settings.webhook_allow_private,
    )
    changed = wired.store.callbacks.update(callback, changes, wired.clock())
    if changed is None:
        raise not_found("callback")
    return CallbackView.of(changed, folder(caller.client_id))


@router.delete("/{callback_id}", status_code=204, responses=openapi.problems(ProblemCode.NOT_FOUND))
def delete_callback(callback_id: str, caller: Authenticated, wired: Wired) -> None:
    """Forget an endpoint; what was still to be sent to it is dropped."""
    if not wired.store.callbacks.remove(lookup.callback(callback_id, caller, wired)):
        raise not_found("callback")
