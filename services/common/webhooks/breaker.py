"""Circuit breakers: a receiver that is down gets no messages for a while, so that it does not hold up others."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass

from services.common.domain.times import MINUTE_MS, SECOND_MS
from services.common.webhooks.outcome import AttemptOutcome

THRESHOLD = 3
"""Failures in a row that open the breaker."""
FIRST_PAUSE_MS = 30 * SECOND_MS
LONGEST_PAUSE_MS = 15 * MINUTE_MS
_TOO_MANY_REQUESTS, _SERVER_ERROR = 429, 500


@dataclass(frozen=True)
class _State:
    failures: int
    open_until: int


def is_down(outcome: AttemptOutcome) -> bool:
    """Whether the outcome shows that the receiver is down, and is not about one message alone."""
    if outcome.status is None:
        return True
    return outcome.status == _TOO_MANY_REQUESTS or outcome.status >= _SERVER_ERROR


class Breakers:
    """One breaker per receiver, in this process's memory: another process needs three attempts to find out the same.

    Times are epoch milliseconds. Safe for threads.
    """

    def __init__(self) -> None:
        self._states: dict[Hashable, _State] = {}
        self._lock = threading.Lock()

    def open_until(self, receiver: Hashable, now: int) -> int | None:
        """When the receiver may be tried again; None if it may be tried now."""
        state = self._states.get(receiver)
        return state.open_until if state and state.open_until > now else None

    def record(self, receiver: Hashable, now: int, *, down: bool) -> None:
        """Count an attempt. Attempts that were under way when the breaker opened do not prolong its pause."""
        with self._lock:
            if not down:
                self._states.pop(receiver, None)
                return
            before = self._states.get(receiver, _State(0, 0))
            if before.open_until > now:
                return
            failures = before.failures + 1
            pause = 0
            if failures >= THRESHOLD:
                pause = min(FIRST_PAUSE_MS * 2 ** (failures - THRESHOLD), LONGEST_PAUSE_MS)
            self._states[receiver] = _State(failures, now + pause)
