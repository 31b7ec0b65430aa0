"""A report for the screen: nested numbers as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def render(report: Mapping[str, Any]) -> str:
    """Each section under its heading."""
    return "\n".join(line for name, section in report.items() for line in _section(name, section))


def _section(name: str, section: Any) -> Iterator[str]:
    if not isinstance(section, Mapping):
        yield f"{name}: {section}"
        return
    tables = {key: value for key, value in section.items() if isinstance(value, Mapping)}
    if tables and all(_flat(value) for value in tables.values()):
        yield from _table(name, tables)
    else:
        for key, value in tables.items():
            yield from _section(f"{name}, {key}", value)
    numbers = {key: value for key, value in section.items() if key not in tables}
    if numbers:
        yield f"\n{name}" if not tables else ""
        yield from (f"  {key:<36}{value}" for key, value in numbers.items())


def _table(name: str, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    yield f"\n{name:<38}" + "".join(f"{column:>12}" for column in columns)
    for key, row in rows.items():
        yield f"  {key:<36}" + "".join(f"{row.get(column, ''):>12}" for column in columns)


def _flat(row: Mapping[str, Any]) -> bool:
    return not any(isinstance(value, Mapping) for value in row.values())
