"""What of a dead worker's journal leaves its machine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.gpu_worker.machine.crash_report import fit_to_leave

OURS = '{"event": "part.claimed", "level": "info", "timestamp": "2027-01-15T08:00:00Z", "job_id": "job_1"}'


def entry(message: Any, **more: str) -> dict[str, Any]:
    return {"MESSAGE": message, "_PID": "4711", "__REALTIME_TIMESTAMP": "1800000000000000", **more}


def test_the_workers_own_lines_leave_as_they_are() -> None:
    assert fit_to_leave(entry(OURS)) == OURS


def test_systemds_words_leave_as_a_line_with_their_time() -> None:
    said = json.loads(fit_to_leave(entry("Main process exited, code=killed, status=9/KILL", _PID="1")) or "")
    assert said == {
        "event": "systemd.said",
        "level": "info",
        "timestamp": "2027-01-15T08:00:00+00:00",
        "message": "Main process exited, code=killed, status=9/KILL",
    }


@pytest.mark.parametrize(
    "message",
    [
        "[mov,mp4 @ 0x1] möte med Anna.mp4: moov atom not found",
        "ValueError: möte med Anna.mp4",
        '"möte med Anna.mp4"',
        '{"möte": "med Anna.mp4"}',
        "[1, 2",
        [109, 195, 182],
        None,
    ],
)
def test_whatever_else_was_written_stays_on_the_machine(message: Any) -> None:
    assert fit_to_leave(entry(message)) is None


def test_nobody_passes_for_systemd_by_its_name() -> None:
    assert fit_to_leave(entry("möte med Anna.mp4", SYSLOG_IDENTIFIER="systemd")) is None
