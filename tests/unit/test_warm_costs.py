"""What waiting costs a month is computed from the prices of the code; the guide tells the same."""

from __future__ import annotations

import pytest

from services.common.domain.prices import ADDRESS_AND_DISK, dollars_per_hour
from services.gpu_worker.settings import WorkerSettings
from tests.support.documents import text_of

TYPES = ("g4dn.xlarge", "g5.xlarge")
HOURS_A_MONTH = 365.25 / 12 * 24
WORKING_WEEK = 5 * 10 / (7 * 24)
"""The share of a week in which a window from Monday to Friday, 08:00 to 18:00, is open."""
IDLE_SECONDS: float = WorkerSettings.model_fields["idle_seconds"].default
STARTS = 1_000


def hourly(kind: str) -> float:
    spot = dollars_per_hour(kind, "spot")
    assert spot
    return spot + ADDRESS_AND_DISK


@pytest.mark.parametrize(
    ("what", "hours"),
    [
        ("one machine kept warm, Monday to Friday from 08:00 to 18:00", HOURS_A_MONTH * WORKING_WEEK),
        ("one machine kept warm all the time", HOURS_A_MONTH),
        (f"`idle_seconds` {IDLE_SECONDS:.0f}, a thousand starts a month", STARTS * IDLE_SECONDS / 3_600),
        ("`idle_seconds` 600, a thousand starts a month", STARTS * 600 / 3_600),
    ],
)
def test_the_guide_tells_what_waiting_costs_a_month_at_the_prices_of_the_code(what: str, hours: float) -> None:
    dollars = " | ".join(f"{hours * hourly(kind):.0f}" for kind in TYPES)
    guide = text_of("docs/deploy.md")
    assert f"| what | {' | '.join(TYPES)} |" in guide
    assert f"| {what} | {dollars} |" in guide
