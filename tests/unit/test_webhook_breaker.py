"""A receiver that is down is left in peace, longer each time, and back at its first answer."""

from __future__ import annotations

import pytest

from services.common.webhooks.breaker import (
    FIRST_PAUSE_MS,
    LONGEST_PAUSE_MS,
    THRESHOLD,
    Breakers,
    is_down,
)
from services.common.webhooks.outcome import AttemptOutcome, Failure


def tripped(times: int = THRESHOLD) -> tuple[Breakers, int]:
    """Breakers after so many failures, each at the moment when the last pause ended, and that moment."""
    breakers, now = Breakers(), 0
    for _ in range(times):
        now = breakers.open_until("a", now) or now
        breakers.record("a", now, down=True)
    return breakers, now


def test_it_stays_closed_below_the_threshold() -> None:
    breakers, now = tripped(THRESHOLD - 1)

    assert breakers.open_until("a", now) is None


def test_it_opens_at_the_threshold_for_that_receiver_alone() -> None:
    breakers, now = tripped()

    assert breakers.open_until("a", now) == now + FIRST_PAUSE_MS
    assert breakers.open_until("b", now) is None
    assert breakers.open_until("a", now + FIRST_PAUSE_MS) is None


def test_each_failure_after_a_pause_doubles_the_next_one_up_to_a_limit() -> None:
    breakers, now = tripped(THRESHOLD + 1)
    assert breakers.open_until("a", now) == now + 2 * FIRST_PAUSE_MS

    breakers, now = tripped(THRESHOLD + 20)
    assert breakers.open_until("a", now) == now + LONGEST_PAUSE_MS


def test_what_was_under_way_when_it_opened_does_not_lengthen_the_pause() -> None:
    breakers, now = tripped()
    breakers.record("a", now + 1, down=True)

    assert breakers.open_until("a", now + 1) == now + FIRST_PAUSE_MS


def test_one_answer_closes_it() -> None:
    breakers, now = tripped()
    breakers.record("a", now + FIRST_PAUSE_MS, down=False)
    breakers.record("a", now + FIRST_PAUSE_MS, down=True)

    assert breakers.open_until("a", now + FIRST_PAUSE_MS) is None


@pytest.mark.parametrize(
    ("outcome", "down"),
    [
        (AttemptOutcome(milliseconds=1, status=200), False),
        (AttemptOutcome(milliseconds=1, status=404, error=Failure.HTTP_STATUS), False),
        (AttemptOutcome(milliseconds=1, status=429, error=Failure.HTTP_STATUS), True),
        (AttemptOutcome(milliseconds=1, status=503, error=Failure.HTTP_STATUS), True),
        (AttemptOutcome(milliseconds=1, error=Failure.TIMEOUT), True),
    ],
)
def test_only_what_says_something_about_the_receiver_counts(outcome: AttemptOutcome, down: bool) -> None:
    assert is_down(outcome) is down
