"""What commands print: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console


def note(text: str) -> None:
    """Print a line for people to standard error."""
    print(text, file=sys.stderr, flush=True)


def as_json(value: object, *, line: bool = False) -> None:
    """Print a value as JSON: indented, or as one of several lines."""
    print(json.dumps(value, ensure_ascii=False, indent=None if line else 2), flush=True)


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows: on a terminal in columns under headings, else with tabs between and without headings, for programs.

    None is shown as `-`. Control characters, which could move a terminal's cursor, are shown as `\ufffd`.
    """
    words = [[shown(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for row in words:
            print("\t".join(row))
        return
    from rich.table import Table  # noqa: PLC0415 - only a terminal needs it

    drawn = Table(*headings, box=None, padding=(0, 2, 0, 0), header_style="bold")
    for row in words:
        drawn.add_row(*map(_plain, row))
    console().print(drawn)


def shown(value: object) -> str:
    """A value as one line of text that a terminal shows as it is."""
    text = "-" if value is None or value == "" else str(value)
    return "".join(one if one.isprintable() else "\ufffd" for one in text)


def console(*, stderr: bool = False) -> Console:
    """The terminal, as rich draws on it. `NO_COLOR` is honoured."""
    from rich.console import Console  # noqa: PLC0415 - what prints a line does without

    return Console(stderr=stderr, highlight=False)


def _plain(text: str) -> Any:  # noqa: ANN401 - rich's Text
    from rich.text import Text  # noqa: PLC0415 - as above

    return Text(text, overflow="fold")
