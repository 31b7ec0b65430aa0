"""Makes attempts at deliveries: each is leased, signed, posted, and written into the ledger with any outcome."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from services.common.domain.events import DIRECT, EventType, compose_about
from services.common.domain.metrics import DELIVERIES
from services.common.domain.states import CallbackStatus, DeliveryStatus
from services.common.domain.times import MINUTE_MS, SECOND_MS
from services.common.metrics import measure
from services.common.store.announcements import Announcement
from services.common.webhooks.breaker import Breakers, is_down
from services.common.webhooks.decision import Decision, checked, decide
from services.common.webhooks.outcome import CALLBACK_GONE, EVENT_GONE
from services.common.webhooks.recipients import Addressees
from services.common.webhooks.signing import message_headers
from services.common.webhooks.transport import DEADLINE_SECONDS, post

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.common.domain.records import Callback, Delivery, Event
    from services.common.domain.states import DisabledReason
    from services.common.store.store import Store
    from services.common.webhooks.outcome import AttemptOutcome
    from services.common.webhooks.recipients import Addressee
    from services.common.webhooks.vault import Vault

log = structlog.get_logger()
LEASE_MS = 45 * SECOND_MS
"""How long a sender's lease of a delivery is: three times what an attempt can take."""
UNSIGNED_PAUSE_MS = 5 * MINUTE_MS
"""How long a message waits that could not be signed. That is not the receiver's fault, so no attempt is used up."""
POSTPONED_SPREAD = 0.5
"""Largest share of a pause that is added to it at random, so that postponed deliveries do not all return at once."""


class Dispatcher:
    """Sends deliveries. Safe for threads."""

    def __init__(
        self, store: Store, vault: Vault, *, sender: str, clock: Callable[[], int], allow_private: bool
    ) -> None:
        self._store = store
        self._addressees = Addressees(store.callbacks, vault)
        self._breakers = Breakers()
        self._sender = sender
        self._clock = clock
        self._allow_private = allow_private

    def take(self, delivery: Delivery) -> Delivery | None:
        """Take the lease of a delivery.

        Returns None if another sender has it, or the delivery has changed since it was read.
        """
        return self._store.deliveries.take(delivery, owner=self._sender, until=self._clock() + LEASE_MS)

    def send(self, delivery: Delivery) -> Delivery | None:
        """Take a delivery that is due and make an attempt.

        Returns the delivery after that; None if no attempt was made: another sender has it, or a reason of `attempt`.
        """
        if self._postponed(delivery):
            return None
        mine = self.take(delivery)
        return self.attempt(mine) if mine else None

    def attempt(self, delivery: Delivery) -> Delivery | None:
        """Make an attempt at a delivery whose lease this sender holds.

        Returns the delivery after that. None if no attempt was made, since the receiver's breaker is open, the
        message could not be signed, or the lease ends too soon; and None if another sender holds the delivery by
        now.
        """
        now = self._clock()
        if not self._in_time(delivery) or self._postponed(delivery):
            return None
        event = self._store.deliveries.event(delivery)
        addressee = self._addressee(delivery, now)
        if event is None or addressee is None or not _may_receive(event, addressee.callback):
            entry = {"at": now, "outcome": CALLBACK_GONE if event else EVENT_GONE}
            return self._write(delivery, entry, DeliveryStatus.DROPPED, None)
        headers = self._headers(event, addressee)
        if headers is None:
            self._postpone(delivery, UNSIGNED_PAUSE_MS)
            return None
        if not self._in_time(delivery):  # reading and signing take long if calls of AWS are retried
            return None
        body = event.body.encode()
        outcome = checked(post(addressee.callback.url, headers, body, allow_private=self._allow_private), event)
        now = self._clock()
        self._breakers.record(delivery.receiver, now, down=is_down(outcome))
        decision = decide(outcome, delivery, addressee.callback, now=now, uniform=random.random())  # noqa: S311 - jitter
        recorded = self._record(delivery, outcome, decision, now)
        self._update_callback(addressee.callback, delivery, outcome, decision, now)
        return recorded

    def _in_time(self, delivery: Delivery) -> bool:
        """Whether an attempt that begins now ends before the lease does."""
        return delivery.due_at - self._clock() > DEADLINE_SECONDS * SECOND_MS

    def _postponed(self, delivery: Delivery) -> bool:
        now = self._clock()
        until = self._breakers.open_until(delivery.receiver, now)
        if until is None:
            return False
        self._postpone(delivery, until - now)
        return True

    def _postpone(self, delivery: Delivery, pause_ms: int) -> None:
        spread = pause_ms * POSTPONED_SPREAD * random.random()  # noqa: S311 - jitter
        self._store.deliveries.postpone(delivery, self._clock() + pause_ms + round(spread))

    def _addressee(self, delivery: Delivery, now: int) -> Addressee | None:
        return self._addressees.find(
            delivery.client_id, delivery.callback_id, delivery.job_id if delivery.own_callback else None, now
        )

    def _headers(self, event: Event, addressee: Addressee) -> dict[str, str] | None:
        """The headers of the message; None if it could not be signed."""
        now = self._clock()
        try:
            return message_headers(
                event_id=event.event_id,
                callback_id=addressee.callback.callback_id,
                body=event.body.encode(),
                active_secrets=addressee.secrets(now),
                now=now,
            )
        except (ClientError, BotoCoreError, ValueError):
            log.exception("delivery.unsigned", callback_id=addressee.callback.callback_id)
            return None

    def _record(self, delivery: Delivery, outcome: AttemptOutcome, decision: Decision, now: int) -> Delivery | None:
        entry = {
            "at": now,
            "outcome": str(outcome.error or "DELIVERED"),
            "status": outcome.status,
            "milliseconds": outcome.milliseconds,
            "detail": outcome.excerpt or None,
        }
        log.info(
            "delivery.tried",
            job_id=delivery.job_id,
            event_id=delivery.event_id,
            event_type=delivery.event_type,
            callback_id=delivery.callback_id,
            attempt=delivery.attempts + 1,
            outcome=entry["outcome"],
            http_status=outcome.status,
            milliseconds=outcome.milliseconds,
            delivery=decision.status,
        )
        return self._write(delivery, entry, decision.status, decision.due_at)

    def _write(
        self, delivery: Delivery, entry: Mapping[str, Any], status: DeliveryStatus, due_at: int | None
    ) -> Delivery | None:
        """Write an attempt into the ledger, and measure it; None if another sender holds the delivery by now."""
        recorded = self._store.deliveries.record(delivery, entry, status=status, due_at=due_at)
        if recorded:
            measure({DELIVERIES: 1}, Outcome="failed" if status is DeliveryStatus.PENDING else status.value)
        return recorded

    def _update_callback(
        self, callback: Callback, delivery: Delivery, outcome: AttemptOutcome, decision: Decision, now: int
    ) -> None:
        """Change the callback if the attempt means that."""
        if decision.activate:
            self._store.callbacks.activate(callback, now)
        if decision.disable:
            self._disable(callback, delivery, decision.disable, now)
        elif outcome.delivered and callback.failing_since is not None:
            self._store.callbacks.healthy(callback)
        elif not outcome.delivered and callback.failing_since is None:
            self._store.callbacks.failing(callback, now)
        else:
            return
        self._addressees.forget(callback)

    def _disable(self, callback: Callback, delivery: Delivery, reason: DisabledReason, now: int) -> None:
        event = compose_about(
            callback,
            EventType.CALLBACK_DISABLED,
            subject=delivery.job_id,
            serial=str(callback.failing_since or now),
            now=now,
            expires_at=delivery.expires_at,
            url=callback.url,
            reason=reason,
        )
        others = [
            other for other in self._store.callbacks.of_client(callback.client_id)
            if other.callback_id != callback.callback_id
        ]  # fmt: skip
        done = self._store.callbacks.disable(callback, reason, Announcement(event, None, others))
        log.warning("callback.disabled", callback_id=callback.callback_id, reason=reason, done=done)


def _may_receive(event: Event, callback: Callback) -> bool:
    """Whether the callback may receive the event. A pending one gets its challenge and tests, but no event of a job."""
    return callback.status is CallbackStatus.ACTIVE or (
        callback.status is CallbackStatus.PENDING and event.type in DIRECT
    )
