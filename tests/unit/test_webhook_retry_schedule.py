"""Ten attempts over three days, however the receiver pulls at the schedule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.webhooks.retry_schedule import GAPS_SECONDS, JITTER, MAX_ATTEMPTS, next_attempt_at

NOW_MS = 1_800_000_000_000
failures = st.integers(1, MAX_ATTEMPTS - 1)
uniforms = st.floats(0, 1, exclude_max=True)


PAUSES = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""0 s, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h, as clients were promised them."""


def test_the_pauses_before_the_ten_attempts_are_those_that_clients_were_promised() -> None:
    assert GAPS_SECONDS == PAUSES
    due = [next_attempt_at(failed_attempts=failed, now_ms=0, uniform=0.5) for failed in range(1, 10)]
    assert due == [pause * 1_000 for pause in PAUSES[1:]]


def test_the_gaps_add_up_to_three_days_and_a_bit() -> None:
    assert MAX_ATTEMPTS == 10
    assert sum(GAPS_SECONDS) / 3600 == pytest.approx(75.6, abs=0.05)


@given(failed=failures, uniform=uniforms)
def test_each_gap_is_jittered_by_at_most_a_fifth(failed: int, uniform: float) -> None:
    due = next_attempt_at(failed_attempts=failed, now_ms=NOW_MS, uniform=uniform)

    assert due is not None
    assert due - NOW_MS == pytest.approx(GAPS_SECONDS[failed] * 1000, rel=JITTER + 0.001)


@given(failed=failures, uniform=uniforms, asked=st.floats(0, 1e12))
def test_retry_after_is_heard_between_one_and_two_steps(failed: int, uniform: float, asked: float) -> None:
    unasked = next_attempt_at(failed_attempts=failed, now_ms=NOW_MS, uniform=uniform)
    due = next_attempt_at(failed_attempts=failed, now_ms=NOW_MS, uniform=uniform, retry_after_seconds=asked)
    following = GAPS_SECONDS[failed + 1] if failed + 1 < MAX_ATTEMPTS else GAPS_SECONDS[failed]

    assert unasked is not None
    assert due is not None
    assert unasked <= due <= NOW_MS + (GAPS_SECONDS[failed] + following) * 1000


def test_an_hour_asked_for_after_the_second_failure_becomes_the_next_two_gaps() -> None:
    due = next_attempt_at(failed_attempts=2, now_ms=NOW_MS, uniform=0.5, retry_after_seconds=3_600)

    assert due == NOW_MS + (300 + 1_800) * 1_000


def test_after_the_tenth_failure_the_message_is_given_up() -> None:
    assert next_attempt_at(failed_attempts=10, now_ms=NOW_MS, uniform=0) is None


def test_without_a_failure_there_is_no_next_attempt() -> None:
    with pytest.raises(ValueError, match="must have failed"):
        next_attempt_at(failed_attempts=0, now_ms=NOW_MS, uniform=0)
