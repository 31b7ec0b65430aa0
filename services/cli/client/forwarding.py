"""Messages to a receiver on a developer's own machine, as a callback would get them."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import certifi

from services.cli.printing import note, shown
from services.common.domain.events import as_sent
from services.common.domain.ids import listener_id
from services.common.domain.times import now_ms
from services.common.webhooks import endpoint
from services.common.webhooks.breaker import is_down
from services.common.webhooks.signing import message_headers
from services.common.webhooks.transport import post

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.cli.client.feed import Event
    from services.common.webhooks.outcome import AttemptOutcome

PAUSES_SECONDS = (1.0, 2.0, 5.0)
"""Before the second, third and fourth attempt."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of an event."""

    attempts: int
    last: AttemptOutcome

    def words(self) -> str:
        """For people: the status or why there is none, how long it took, and what a receiver says that refuses."""
        told = f"{_status(self.last)} in {self.last.milliseconds} ms"
        if self.attempts > 1:
            told += f", attempt {self.attempts}"
        return told if self.last.delivered or not self.last.excerpt else f"{told}: {self.last.excerpt}"

    def document(self) -> dict[str, Any]:
        """For programs, in the words of a delivery's ledger."""
        return {
            "outcome": str(self.last.error or "DELIVERED"),
            "status": self.last.status,
            "milliseconds": self.last.milliseconds,
            "attempts": self.attempts,
            "detail": self.last.excerpt or None,
        }


class Forwarding:
    """Posts events to one address, signed, in the order in which they come."""

    def __init__(self, url: str, secret: str, pause: Callable[[float], None] = time.sleep) -> None:
        """Check the address.

        Args:
            url: of the receiver; http and any address are allowed.
            secret: with which messages are signed.
            pause: waits for some seconds.

        Raises:
            InvalidUrlError: the URL breaks a rule; the message says which.

        """
        endpoint.parse(url, allow_private=True)
        self._url = url
        self._secret = secret
        self._pause = pause
        # This machine's own authorities too: a developer's may be among them.
        self._trust = ssl.create_default_context()
        self._trust.load_verify_locations(certifi.where())
        self.callback_id = listener_id(secret)

    def send(self, event: Event) -> Answer:
        """Post an event; a receiver that is down gets it a few times more. Nothing that it does raises an error."""
        attempts = 1
        last = self._attempt(event)
        for pause in PAUSES_SECONDS:
            if not is_down(last):
                break
            note(f"{shown(event['event_id'])}: {_status(last)} from {self._url}; trying again in {pause:.0f} s.")
            self._pause(pause)
            attempts += 1
            last = self._attempt(event)
        return Answer(attempts=attempts, last=last)

    def _attempt(self, event: Event) -> AttemptOutcome:
        body = as_sent(event["body"]).encode()
        headers = message_headers(
            event_id=event["event_id"],
            callback_id=self.callback_id,
            body=body,
            active_secrets=[self._secret],
            now=now_ms(),
        )
        return post(self._url, headers, body, allow_private=True, trust=self._trust)


def _status(outcome: AttemptOutcome) -> str:
    return f"no answer ({outcome.error})" if outcome.status is None else str(outcome.status)
