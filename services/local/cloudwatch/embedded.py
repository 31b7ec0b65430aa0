"""Takes metrics out of log lines, by CloudWatch's embedded metric format. Pure.

CloudWatch leaves out what is wrong and says so nowhere in the log. Here it is an error, so that a test notices.
The rules are those of the "Embedded metric format specification" (CloudWatch User Guide).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from services.local.cloudwatch.data_points import DataPoint, Series

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNITS = frozenset(
    {"None", "Count", "Percent", "Seconds", "Milliseconds", "Microseconds", "Bytes", "Kilobytes", "Megabytes"}
)
"""Those of CloudWatch's that are not rates or bits."""
MOST_DIMENSIONS, MOST_METRICS, MOST_VALUES = 30, 100, 100
LONGEST_NAME, LONGEST_NAMESPACE, LONGEST_DIMENSION, LONGEST_VALUE = 1_024, 256, 250, 1_024
EARLIEST_MS, LATEST_MS = 14 * 24 * 3_600_000, 2 * 3_600_000
"""How far a document's time may lie before and after that of its line."""


class WrongDocumentError(Exception):
    """A line means to hold metrics, and CloudWatch would leave some of them out."""


def data_points(line: str, at: int) -> list[DataPoint]:
    """The data points in one line of a log; none if it is no such document.

    Args:
        line: without its end.
        at: when it was written, epoch milliseconds.

    Raises:
        WrongDocumentError: it means to be one, and is wrong.

    """
    try:
        document = json.loads(line)
    except ValueError:
        return []
    if not isinstance(document, dict) or "_aws" not in document:
        return []
    about = document["_aws"]
    _require(isinstance(about, dict) and isinstance(about.get("CloudWatchMetrics"), list), "CloudWatchMetrics: a list")
    moment = about.get("Timestamp")
    _require(_is_number(moment) and at - EARLIEST_MS <= moment <= at + LATEST_MS, "Timestamp: near the line's time")
    return [point for directive in about["CloudWatchMetrics"] for point in _of_directive(directive, document, moment)]


def _of_directive(directive: Mapping[str, Any], document: Mapping[str, Any], at: int) -> Iterator[DataPoint]:
    namespace, sets, metrics = (directive.get(name) for name in ("Namespace", "Dimensions", "Metrics"))
    _require(_is_text(namespace, LONGEST_NAMESPACE), "Namespace: a text")
    _require(isinstance(sets, list) and bool(sets), "Dimensions: a list of sets")
    _require(isinstance(metrics, list) and 0 < len(metrics) <= MOST_METRICS, "Metrics: 1 to 100 definitions")
    assert isinstance(namespace, str)
    assert isinstance(sets, list)
    assert isinstance(metrics, list)
    for names in sets:
        _require(isinstance(names, list) and len(names) <= MOST_DIMENSIONS, "a set of dimensions: a list, 30 at most")
        dimensions: dict[str, Any] = {name: document.get(name) for name in names}
        for name, value in dimensions.items():
            _require(_is_text(name, LONGEST_DIMENSION), "a dimension's name: a text")
            _require(_is_text(value, LONGEST_VALUE), f"{name}: a text at the document's root")
        for metric in metrics:
            name, unit = metric.get("Name"), metric.get("Unit", "None")
            _require(_is_text(name, LONGEST_NAME), "Name: a text")
            _require(unit in UNITS, f"{unit}: no unit")
            for value in _values(name, document):
                yield DataPoint(series=Series.of(namespace, name, dimensions), at=at, value=value, unit=unit)


def _values(name: str, document: Mapping[str, Any]) -> list[float]:
    found: Any = document.get(name)
    values = found if isinstance(found, list) else [found]
    _require(
        0 < len(values) <= MOST_VALUES and all(map(_is_number, values)), f"{name}: a number at the document's root"
    )
    return [float(value) for value in values]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


def _require(condition: bool, rule: str) -> None:
    if not condition:
        raise WrongDocumentError(rule)
