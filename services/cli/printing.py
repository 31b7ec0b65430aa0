"""What commands print: results to standard output, everything else to standard error."""

from __future__ import annotations

import json as documents
import math
import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

NOTHING = "-"
"""What stands in a table for what is not known."""
GAP, WHOLE, CUT = 2, 16, 10
"""Characters between two columns, of a column that is never cut, and that stay of any other."""
IN_SECONDS_UNTIL = 100
"""Longer times are told in minutes."""
UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


_silent = False
"""Whether notes are left out."""


def silence(silent: bool) -> None:
    """Leave notes out from now on, as `--quiet` wants it; errors are no notes."""
    global _silent  # noqa: PLW0603 - a process runs one command
    _silent = silent


def is_silent() -> bool:
    """Whether notes are left out."""
    return _silent


def note(text: str) -> None:
    """Print a line for people to standard error, which they need not read."""
    if not _silent:
        print(text, file=sys.stderr, flush=True)


def problem(sentence: str, *, of: str = "transcribe") -> None:
    """Print what went wrong, and with what, to standard error: a line that nothing leaves out."""
    print(f"{shown(of)}: {shown(sentence)}", file=sys.stderr, flush=True)


def as_json(value: object, *, line: bool = False) -> None:
    """Print a value as JSON: indented, or as one of several lines."""
    print(in_json(value, line=line), flush=True)


def in_json(value: object, *, line: bool = False) -> str:
    """A value as JSON that standard output can take, whatever its encoding; indented, or as one line."""
    plain = not sys.stdout.encoding.lower().startswith("utf")
    return documents.dumps(value, ensure_ascii=plain, indent=None if line else 2)


def answer(document: object, *lines: str, json: bool) -> None:
    """Print what a command has done or found: as a document for programs, or as lines for people, each as `shown`."""
    if json:
        as_json(document)
        return
    for line in lines:
        print(shown(line))


def path(value: Path) -> None:
    """Print a path: to a terminal as it can be shown, to a program as it is."""
    if sys.stdout.isatty():
        print(shown(value), flush=True)
    else:
        sys.stdout.buffer.write(os.fsencode(value) + b"\n")
        sys.stdout.flush()


def text(content: bytes) -> None:
    """Print a text, in UTF-8: to a terminal as it can be shown, to a program as it is."""
    if sys.stdout.isatty():
        lines = content.decode("utf-8", "replace").splitlines()
        print("\n".join(line and shown(line) for line in lines), flush=True)
    else:
        sys.stdout.buffer.write(content if content.endswith(b"\n") else content + b"\n")
        sys.stdout.flush()


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows: on a terminal in columns under headings, else with tabs between and without headings, for programs.

    None is shown as `-`. Control characters, which could move a terminal's cursor, are shown as `\ufffd`. A terminal
    gets one line for each row: a wide column is cut, except the first, and the last ones are left out if they do not
    fit or no row has a value.
    """
    words = [[shown(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for row in words:
            print("\t".join(row))
        return
    from rich.table import Table  # noqa: PLC0415 - only a terminal needs it

    screen = console()
    columns = _fitting([headings, *words], screen.width)
    drawn = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    for number, width in columns.items():
        drawn.add_column(headings[number], width=width)
    for row in words:
        drawn.add_row(*(_plain(row[number], cut=number > 0) for number in columns))
    screen.print(drawn)


def _fitting(rows: Sequence[Sequence[str]], width: int) -> dict[int, int]:
    """The columns of a table that fit into a width, from the left, each with its own."""
    columns: dict[int, int] = {}
    wanted: dict[int, int] = {}
    for number, cells in enumerate(zip(*rows, strict=True)):
        longest = max(map(len, cells))
        least = longest if longest <= WHOLE else CUT
        if not columns:
            least = min(longest, width)
        elif all(cell == NOTHING for cell in cells[1:]):
            continue
        elif sum(columns.values()) + GAP * len(columns) + least > width:
            break
        columns[number], wanted[number] = least, longest
    spare = width - sum(columns.values()) - GAP * (len(columns) - 1)
    for number, least in columns.items():
        more = min(spare, wanted[number] - least)
        columns[number] += more
        spare -= more
    return columns


def shown(value: object) -> str:
    """A value as one line of text that a terminal shows as it is."""
    text = NOTHING if value is None or value == "" else str(value)
    return "".join(one if one.isprintable() else "\ufffd" for one in text)


def moment(text: str | None) -> str | None:
    """A moment of the API's in this machine's time, to the minute, such as `2026-11-26 18:30`."""
    return text and datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M")


def clock(seconds: float | None) -> str | None:
    """A length of time such as `1:02:03` or `4:05`."""
    if seconds is None:
        return None
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration(seconds: float) -> str:
    """A time in words, rounded up: `40 s`, `3 min`, `1 h 05 min`."""
    if seconds <= IN_SECONDS_UNTIL:
        return f"{math.ceil(max(seconds, 0))} s"
    minutes = math.ceil(seconds / 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02} min"


def dollars(value: float) -> str:
    """A sum of money: `$0.0123`, `$12.34`."""
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"


def amount(size: float) -> str:
    """Bytes in words: `812 kB`, `3.1 GB`."""
    scale, unit = _unit(size)
    return f"{_number(size / scale, unit)} {unit}"


def share(done: int, total: int) -> str:
    """How much of an amount is done, such as `3.1 of 12.0 GB`."""
    scale, unit = _unit(total)
    return f"{_number(done / scale, unit)} of {amount(total)}"


def erased(job_id: str, removed: Mapping[str, int], *, final: bool) -> str:
    """The receipt of an erasure as a line; `removed` says how much of each kind."""
    receipt = ", ".join(f"{count} {kind}" for kind, count in removed.items())
    return f"{job_id} erased: {receipt}{'' if final else '; it is searched for what is left, and final after that'}"


def console(*, stderr: bool = False) -> Console:
    """The terminal, as rich draws on it. `NO_COLOR` is honoured."""
    from rich.console import Console  # noqa: PLC0415 - what prints a line does without

    return Console(stderr=stderr, highlight=False)


def _plain(text: str, *, cut: bool) -> Any:  # noqa: ANN401 - rich's Text
    from rich.text import Text  # noqa: PLC0415 - as above

    return Text(text, overflow="ellipsis" if cut else "fold", no_wrap=cut)


def _unit(size: float) -> tuple[int, str]:
    return next(((scale, unit) for scale, unit in UNITS if size >= scale), (1, "bytes"))


def _number(size: float, unit: str) -> str:
    return f"{size:.1f}" if unit in ("GB", "MB") else f"{size:.0f}"
