"""`nox -s outages` in short: two services of AWS fail for some seconds under real workers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.outages.trial import Phase, Row, Trial
from tests.support.aws_proxy import Fault

SECONDS = 5.0
"""Twice the lease that belongs to it."""
MEETINGS = 3
"""In a row: still at work when the outage begins."""
SHOWN = [("dynamodb", Fault.LOST, Phase.BUSY), ("ssm", Fault.CUT, Phase.BOOT)]


def test_an_outage_ends_no_worker_and_no_boot_and_is_held_against_no_recording(random_model: Path) -> None:
    def run(shown: tuple[str, Fault, Phase]) -> list[Row]:
        service, fault, phase = shown
        return Trial(service, fault, SECONDS, random_model, meetings=MEETINGS).run([phase])

    with ThreadPoolExecutor(len(SHOWN)) as pool:
        rows = [row for found in pool.map(run, SHOWN) for row in found]
    assert [row.faults for row in rows] == [[], []]
    assert all(row.disturbed for row in rows)
    assert all(row.done_after > 0 for row in rows), "the job was kept by it"
