"""Writes metrics into the log, in CloudWatch's embedded metric format: CloudWatch takes them out of the lines.

A line has the fields of every line of the log beside the metrics. It is written whatever `LOG_LEVEL` is. The format is
AWS's "Embedded metric format specification" (CloudWatch User Guide).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.common import logs
from services.common.domain.times import now_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.common.domain.metrics import Metric

EVENT = "metrics.measured"
_namespace = ""
"""CloudWatch's namespace, which is the deployment's name; empty: nothing is measured, as on the command line."""


def begin(namespace: str) -> None:
    """Measure from now on, under a deployment's name."""
    global _namespace  # noqa: PLW0603 - a process is of one deployment
    _namespace = namespace


def measure(values: Mapping[Metric, float], **dimensions: str) -> None:
    """Write one value of each metric.

    Args:
        values: of which metrics, in their units. Without any, nothing is written.
        dimensions: the value of each dimension that one of the metrics has, by the dimension's name.

    """
    if not _namespace or not values:
        return
    by_dimension: dict[str | None, list[Metric]] = {}
    for metric in values:
        by_dimension.setdefault(metric.dimension, []).append(metric)
    directives = [
        {
            "Namespace": _namespace,
            "Dimensions": [[dimension] if dimension else []],
            "Metrics": [{"Name": metric.name, "Unit": metric.unit.value} for metric in metrics],
        }
        for dimension, metrics in by_dimension.items()
    ]
    named = {metric.name: value for metric, value in values.items()}
    logs.write(EVENT, _aws={"Timestamp": now_ms(), "CloudWatchMetrics": directives}, **dimensions, **named)
