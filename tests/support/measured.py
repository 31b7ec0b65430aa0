"""What a test's code measures, read as CloudWatch would read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.common import logs
from services.common.domain.times import now_ms
from services.local.cloudwatch.data_points import DataPoint
from services.local.cloudwatch.embedded import data_points

DEPLOYMENT = "test"


class Measured:
    """The data points so far, in their order."""

    def __init__(self) -> None:
        self.points: list[DataPoint] = []

    def take(self, line: str) -> None:
        self.points += data_points(line, now_ms())

    def values(self, name: str, **dimensions: str) -> list[float]:
        """The values of one metric."""
        wanted = frozenset(dimensions.items())
        found = [point for point in self.points if (point.series.name, point.series.dimensions) == (name, wanted)]
        assert {point.series.namespace for point in found} <= {DEPLOYMENT}
        return [point.value for point in found]

    def series(self) -> set[tuple[str, frozenset[tuple[str, str]]]]:
        """The metrics that were written: name and dimensions."""
        return {(point.series.name, point.series.dimensions) for point in self.points}


@contextmanager
def measuring(level: str = "error") -> Iterator[Measured]:
    """Let this process be a service of a deployment, whose log is read."""
    found = Measured()
    logs.configure(level, found.take, deployment=DEPLOYMENT)
    try:
        yield found
    finally:
        logs.configure("info")
