"""Data points of metrics, as CloudWatch keeps them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Series:
    """Names a metric: the same name with other dimensions is another metric."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str] | None = None) -> Series:
        """The metric of these dimensions, by name."""
        return cls(namespace, name, frozenset((dimensions or {}).items()))


@dataclass(frozen=True, kw_only=True)
class DataPoint:
    """One value of a metric."""

    series: Series
    at: int
    """Epoch milliseconds."""
    value: float
    unit: str = "None"
