"""Writes metrics into the log, in CloudWatch's embedded metric format: CloudWatch takes them out of the lines.

A line has the fields of every line of the log beside the metrics. It is written whatever `LOG_LEVEL` is. The format is
AWS's "Embedded metric format specification" (CloudWatch User Guide).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.common import logs
from services.common.domain.metrics import JOBS_ENDED, JOBS_FAILED, SPEED, STAGE_TIMES
from services.common.domain.stages import spans
from services.common.domain.states import JobStatus
from services.common.domain.times import now_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.common.domain.metrics import Metric
    from services.common.domain.records import Job

EVENT = "metrics.measured"


def measure(values: Mapping[Metric, float], **dimensions: str) -> None:
    """Write one value of each metric, in the deployment's name. The command line, which is no service, writes none.

    Args:
        values: of which metrics, in their units. Without any, nothing is written.
        dimensions: the value of each dimension that one of the metrics has, by the dimension's name.

    """
    namespace = logs.deployment()
    if not namespace or not values:
        return
    by_dimension: dict[str | None, list[Metric]] = {}
    for metric in values:
        by_dimension.setdefault(metric.dimension, []).append(metric)
    directives = [
        {
            "Namespace": namespace,
            "Dimensions": [[dimension] if dimension else []],
            "Metrics": [{"Name": metric.name, "Unit": metric.unit.value} for metric in metrics],
        }
        for dimension, metrics in by_dimension.items()
    ]
    named = {metric.name: value for metric, value in values.items()}
    logs.write(EVENT, _aws={"Timestamp": now_ms(), "CloudWatchMetrics": directives}, **dimensions, **named)


def count_end(job: Job) -> None:
    """Count a job that has just ended, and measure it if it is completed."""
    values: dict[Metric, float] = {JOBS_ENDED: 1}
    if job.status is JobStatus.FAILED:
        values[JOBS_FAILED] = 1
    if job.status is JobStatus.COMPLETED:
        values |= {STAGE_TIMES[until]: seconds for until, seconds in spans(job.times).items()}
        heard, spent = (job.result or {}).get("duration_seconds"), job.cost.get("machine_seconds")
        if heard and spent:
            values[SPEED] = round(heard / spent, 3)
    measure(values, Code=(job.error or {}).get("code") or job.status.value.upper())
