"""What can be done with a callback: rotate its secret, test it, enable it again, read its own ledger."""

from __future__ import annotations

from fastapi import Response

from services.api import openapi
from services.api.auth import Authenticated, Wired
from services.api.idempotency import Idempotent
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem
from services.api.routes import deliveries, lookup
from services.api.schemas.callbacks import CallbackView, NewSecret
from services.api.schemas.deliveries import DeliveryPage, DeliveryView
from services.common.domain.events import EventType, compose_about
from services.common.domain.ids import new_id
from services.common.domain.object_keys import folder
from services.common.domain.states import CallbackStatus
from services.common.domain.times import SECOND_MS, expiry
from services.common.store.announcements import delivery_of, direct
from services.common.store.callbacks import enabling, rotation
from services.common.store.operations import ConditionFailedError
from services.common.webhooks.registration import TooManySecretsError, rotated

router = openapi.router("/callbacks/{callback_id}", "callbacks")


@router.post(
    "/rotate", responses=openapi.problems(ProblemCode.NOT_FOUND, ProblemCode.CONFLICT, ProblemCode.TOO_MANY_SECRETS)
)
def rotate_callback_secret(callback_id: str, caller: Authenticated, wired: Wired, idempotency: Idempotent) -> NewSecret:
    """A new secret, shown this once; for a day, messages carry the signatures of both."""
    callback, now = lookup.callback(callback_id, caller, wired), wired.clock()
    secret, seed = idempotency.fresh_secret()
    sealed = wired.vault.seal(secret, client_id=caller.client_id, callback_id=callback_id)
    record = idempotency.record(**seed)
    try:
        earlier = wired.store.commit([rotation(callback, rotated(callback, sealed, now))], record)
    except TooManySecretsError as error:
        seconds = -(-(error.possible_at - now) // SECOND_MS)
        refusal = Problem(ProblemCode.TOO_MANY_SECRETS, str(error), Retry_After=str(seconds))
        earlier = lookup.carried_out_before(record, wired, else_=refusal)
    if earlier:
        secret = idempotency.earlier_secret(earlier)
    return NewSecret(**dict(CallbackView.of(callback, folder(caller.client_id))), secret=secret)


@router.post(
    "/test",
    status_code=202,
    responses=openapi.accepted("The callback's own ledger.", ProblemCode.NOT_FOUND, ProblemCode.CALLBACK_DISABLED),
)
def test_callback(
    callback_id: str, caller: Authenticated, wired: Wired, idempotency: Idempotent, response: Response
) -> DeliveryView:
    """Send a `callback.test` message, signed like any other, also to a pending callback; its ledger is at Location."""
    callback, now = lookup.callback(callback_id, caller, wired), wired.clock()
    event = compose_about(
        callback,
        EventType.CALLBACK_TEST,
        subject=callback_id,
        serial=new_id("test"),
        now=now,
        expires_at=expiry(now, wired.settings.retention_days),
        message="This is a test.",
    )
    delivery, record = delivery_of(event, callback), idempotency.record(event_id=event.event_id)
    if callback.status is CallbackStatus.DISABLED and wired.store.commits.earlier(record) is None:
        raise Problem(ProblemCode.CALLBACK_DISABLED, "The callback is disabled: enable it first.")
    if earlier := wired.store.commit(direct(event, callback), record):
        delivery = lookup.delivery(callback_id, f"{earlier['event_id']}.{callback_id}", wired)
    response.headers["Location"] = f"/api/callbacks/{callback_id}/deliveries"
    return DeliveryView.of(delivery)


@router.post("/enable", responses=openapi.problems(ProblemCode.NOT_FOUND, ProblemCode.NOT_DISABLED))
def enable_callback(callback_id: str, caller: Authenticated, wired: Wired, idempotency: Idempotent) -> CallbackView:
    """Send to a disabled callback again; what was dropped meanwhile can be redelivered."""
    callback = lookup.callback(callback_id, caller, wired)
    try:
        wired.store.commit([enabling(callback, wired.clock())], idempotency.record())
    except ConditionFailedError:
        raise Problem(ProblemCode.NOT_DISABLED, f"The callback is {callback.status}.") from None
    return CallbackView.of(lookup.callback(callback_id, caller, wired), folder(caller.client_id))


@router.get("/deliveries", responses=openapi.problems(ProblemCode.NOT_FOUND, ProblemCode.INVALID_CURSOR))
def list_callback_deliveries(
    callback_id: str, caller: Authenticated, wired: Wired, after: deliveries.After = None, limit: deliveries.Limit = 50
) -> DeliveryPage:
    """The ledger of its test messages and of its challenge, in order of time.

    If one of these disabled it, the messages that told other callbacks of that are in it too.
    """
    lookup.callback(callback_id, caller, wired)
    return deliveries.page(callback_id, after, limit, wired)
