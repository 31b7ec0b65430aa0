"""`nox -s outages` in short: DynamoDB is unheard for some seconds under a real worker in the middle of a recording."""

from __future__ import annotations

from pathlib import Path

from tests.outages.trial import Phase, Trial
from tests.support.aws_proxy import Fault

SECONDS = 6.0
"""Twice the lease that belongs to it."""
MEETINGS = 2
"""In a row: still at work when the outage begins."""


def test_an_outage_longer_than_a_lease_ends_no_worker_and_is_held_against_no_recording(random_model: Path) -> None:
    (row,) = Trial("dynamodb", Fault.LOST, SECONDS, random_model, meetings=MEETINGS).run([Phase.BUSY])
    assert row.faults == []
    assert row.disturbed
    assert row.attempts >= 2, "it let the part go when its lease was over, and took it up again"
    assert row.done_after > 0
