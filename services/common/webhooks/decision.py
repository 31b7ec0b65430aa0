"""Decides what follows from one attempt, for the delivery, its schedule and its callback. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from services.common.domain.events import EventType
from services.common.domain.records import Callback, Delivery, Event
from services.common.domain.states import DeliveryStatus, DisabledReason
from services.common.domain.times import DAY_MS
from services.common.webhooks.outcome import AttemptOutcome, Failure
from services.common.webhooks.retry_schedule import next_attempt_at

FAILING_DAYS = 5
"""A callback is disabled if no delivery to it has succeeded for so long."""
FAILING_MS = FAILING_DAYS * DAY_MS


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The delivery's next state and, if anything changes, that of its callback."""

    status: DeliveryStatus
    due_at: int | None = None
    """When the next attempt is due, epoch milliseconds; None if there is none."""
    disable: DisabledReason | None = None
    """Why the callback is disabled; None if it is not."""
    activate: bool = False
    """Whether the callback becomes active, since its receiver has answered the challenge."""


def checked(outcome: AttemptOutcome, event: Event) -> AttemptOutcome:
    """The outcome, as a failure if the receiver answered a challenge with 2xx but did not send it back.

    The answer must be the challenge itself, or a JSON object with the field `challenge`.
    """
    if event.type != EventType.CALLBACK_CHALLENGE or not outcome.delivered:
        return outcome
    expected = json.loads(event.body)["data"]["challenge"]
    try:
        answer = json.loads(outcome.body)
    except ValueError:
        answer = outcome.body.decode("utf-8", "replace").strip()
    given = answer.get("challenge") if isinstance(answer, dict) else answer
    return outcome if given == expected else replace(outcome, error=Failure.CHALLENGE_FAILED)


def decide(outcome: AttemptOutcome, delivery: Delivery, callback: Callback, *, now: int, uniform: float) -> Decision:
    """Decide what follows from an outcome.

    Args:
        outcome: of the attempt, after `checked`.
        delivery: as it was before the attempt.
        callback: to which it was sent.
        now: epoch milliseconds.
        uniform: a random number in [0, 1), for the jitter.

    """
    if outcome.delivered:
        return Decision(status=DeliveryStatus.DELIVERED, activate=delivery.event_type == EventType.CALLBACK_CHALLENGE)
    if outcome.gone:
        return Decision(status=DeliveryStatus.DROPPED, disable=DisabledReason.GONE)
    disable = None
    if callback.failing_since is not None and now - callback.failing_since >= FAILING_MS:
        disable = DisabledReason.FAILING
    due_at = next_attempt_at(
        failed_attempts=delivery.attempts + 1 - delivery.attempts_before,
        now_ms=now,
        uniform=uniform,
        retry_after_seconds=outcome.retry_after_seconds,
    )
    return Decision(
        status=DeliveryStatus.EXHAUSTED if due_at is None else DeliveryStatus.PENDING, due_at=due_at, disable=disable
    )
