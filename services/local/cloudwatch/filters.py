"""Metric filters of log groups: they count the lines that match a pattern. Pure.

Of CloudWatch's patterns only those are known that compare texts at the root of a JSON line, and these with `&&`:
`{ $.event = "breaker.opened" && $.level = "error" }`. Any other pattern is an error, so that a test notices.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.local.cloudwatch.data_points import DataPoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.local.cloudwatch.data_points import Series

_WHOLE = re.compile(r"\{\s*(?P<comparisons>.*?)\s*\}")
_COMPARISON = re.compile(r'\$\.(?P<field>\w+)\s*=\s*"(?P<text>[^"*]*)"')


class UnknownPatternError(Exception):
    """A filter's pattern that this emulation does not know."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A metric filter of one log group."""

    log_group: str
    wanted: Mapping[str, str]
    """The texts of fields that a line must have."""
    series: Series
    value: float
    unit: str = "None"

    def data_points(self, line: str, at: int) -> list[DataPoint]:
        """The data point that a line makes, if it matches; `at`: epoch milliseconds."""
        try:
            document = json.loads(line)
        except ValueError:
            return []
        if not isinstance(document, dict) or any(document.get(name) != text for name, text in self.wanted.items()):
            return []
        return [DataPoint(series=self.series, at=at, value=self.value, unit=self.unit)]


def wanted_by(pattern: str) -> dict[str, str]:
    """The texts of fields that a pattern asks for.

    Raises:
        UnknownPatternError: it asks for something else.

    """
    whole = _WHOLE.fullmatch(pattern.strip())
    comparisons = [_COMPARISON.fullmatch(part.strip()) for part in whole["comparisons"].split("&&")] if whole else []
    if not comparisons or not all(comparisons):
        raise UnknownPatternError(pattern)
    return {found["field"]: found["text"] for found in comparisons if found}
