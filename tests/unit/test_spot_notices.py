from __future__ import annotations

from typing import Any

from structlog.testing import capture_logs

from services.gpu_worker.machine.spot_notices import SpotNotices


class Metadata:
    """A machine that EC2 may want back soon."""

    def rebalance(self) -> str:
        return '{"noticeTime": "2027-01-15T08:00:00Z"}'

    def spot_notice(self) -> None:
        return None


def test_a_rebalance_recommendation_is_logged_once_and_nobody_leaves() -> None:
    left: list[str] = []
    metadata: Any = Metadata()
    settings: Any = None
    notices = SpotNotices(metadata, settings, left.append)
    with capture_logs() as logs:
        assert [notices._noticed(metadata) for _ in range(3)] == [False] * 3
    assert [entry["event"] for entry in logs] == ["spot.rebalance_recommended"]
    assert left == []
