from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.gpu_worker.machine.spot_notices import SpotNotices
from services.gpu_worker.settings import WorkerSettings

MINUTES = 720


@dataclass
class Metadata:
    """A machine that EC2 may want back soon."""

    notice: str | None = None

    def rebalance(self) -> str:
        return '{"noticeTime": "2027-01-15T08:00:00Z"}'

    def spot_notice(self) -> str | None:
        return self.notice


def test_a_rebalance_recommendation_is_logged_once_and_nobody_leaves() -> None:
    left: list[str] = []
    metadata: Any = Metadata()
    settings: Any = None
    notices = SpotNotices(metadata, settings, left.append)
    with capture_logs() as logs:
        assert [notices._noticed(metadata) for _ in range(3)] == [False] * 3
    # Whatever else this process logs meanwhile is caught too, as by a thread that another test has left.
    assert [entry["event"] for entry in logs if "spot" in entry["event"]] == ["spot.rebalance_recommended"]
    assert left == []


@pytest.mark.parametrize(
    ("metadata", "minutes", "why"),
    [
        (Metadata(notice='{"action": "terminate"}'), MINUTES - 1, "spot notice"),
        (Metadata(), MINUTES + 1, "lifetime over"),
        (None, MINUTES + 1, "lifetime over"),
    ],
    ids=["spot notice", "lifetime", "lifetime of a person's own box"],
)
def test_a_notice_and_the_end_of_its_lifetime_make_a_worker_leave(
    monkeypatch: pytest.MonkeyPatch, metadata: Metadata | None, minutes: float, why: str
) -> None:
    """The machine has been up for so many minutes when it looks."""
    left: list[str] = []
    moments = iter([0.0, minutes * 60])
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    machine: Any = metadata
    settings: Any = WorkerSettings.model_construct(max_lifetime_minutes=MINUTES)
    SpotNotices(machine, settings, left.append)._watch()
    assert left == [why]
