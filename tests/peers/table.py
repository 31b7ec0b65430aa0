"""The figures of a report as one table, which docs/performance.md holds between two markers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- peers -->", "<!-- /peers -->"
COLUMNS = (
    "",
    "wall s",
    "the engine's speed by its own",
    "processor s",
    "load s",
    "peak MiB",
    "CER",
    "starts, ms off",
    "nine in ten below",
    "settings",
)


def render(report: Mapping[str, Any]) -> str:
    """The table; each contestant has a row for each recording, and its settings stand in the first."""
    lines = [_row(COLUMNS), "|" + "---|" * len(COLUMNS)]
    told: set[str] = set()
    for recording, rows in report["recordings"].items():
        for name, figures in rows.items():
            settings = "as above" if name in told else report["settings"][name]
            told.add(name)
            lines.append(_row((f"{recording}: {name}", *_cells(figures), settings)))
    return "\n".join(lines) + "\n"


def table_of(document: str) -> str:
    """The table that a document holds.

    Raises:
        ValueError: the document has no markers.

    """
    return _around(document)[1]


def with_table(document: str, table: str) -> str:
    """The document with this table in the place of its own.

    Raises:
        ValueError: the document has no markers.

    """
    before, _, after = _around(document)
    return f"{before}{table}{after}"


def _around(document: str) -> tuple[str, str, str]:
    """What stands before the table, the table, and what stands behind it."""
    before, begin, rest = document.partition(f"{BEGIN}\n")
    table, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"no {BEGIN} … {END}")
    return before + begin, table, end + after


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _cells(figures: Mapping[str, Any]) -> tuple[str, ...]:
    wall, off = figures["wall seconds"], figures["milliseconds off"]
    ratio = figures["engine's speed"]
    return (
        f"{wall['median']:.1f} ({wall['least']:.1f} to {wall['greatest']:.1f})",
        "" if ratio is None else f"{ratio:.2f}",
        f"{figures['processor seconds']:.1f}",
        f"{figures['load seconds']:.1f}",
        f"{figures['peak MiB']:,.0f}",
        f"{figures['CER']:.4f}",
        f"{off['median']:,.0f}",
        f"{off['ninetieth']:,.0f}",
    )
