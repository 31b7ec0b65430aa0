"""`transcribe watch`: the queue, the machines, the last ends and the money, live in the terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from services.cli import printing, streams
from services.cli.columns import cut
from services.cli.explained import explain
from services.cli.operator import deployment
from services.cli.operator.watch.keyboard import keyboard
from services.cli.operator.watch.lines import drawn
from services.cli.operator.watch.looking import Looking
from services.common.domain.times import now_ms

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from services.cli.operator.watch.snapshot import Snapshot

EVERY_SECONDS = 2.0
COLUMNS = 200
"""Of what is printed elsewhere than on a terminal."""


def watch(
    context: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="Print how it is now, and end.")] = False,
) -> None:
    """The queue, the machines, the last ends and the money, every two seconds until q or Ctrl-C.

    Without a terminal it is printed once. With --json each look is a line.
    """
    looking = Looking(deployment.store())
    if once or not (context.obj.json or _is_live()):
        _print(looking.look(now_ms()), json=context.obj.json)
    elif context.obj.json:
        _follow(looking)
    else:
        _show(looking)


def _is_live() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


def _print(snapshot: Snapshot, *, json: bool) -> None:
    if json:
        printing.as_json(snapshot.to_json(), line=True)
        return
    columns = printing.console().width if sys.stdout.isatty() else COLUMNS
    for line in drawn(snapshot, columns=columns, plain=not _takes_all(sys.stdout.encoding)):
        print(line)


def _follow(looking: Looking) -> None:
    """Print one look a line. One that fails is told, and the next one follows."""
    _print(looking.look(now_ms()), json=True)
    with keyboard() as quits:
        while not quits(EVERY_SECONDS):
            try:
                snapshot = looking.look(now_ms())
            except (BotoCoreError, ClientError) as error:
                printing.problem(explain(error).sentence)
            else:
                _print(snapshot, json=True)


def _show(looking: Looking) -> None:
    """Draw one look over the other. While looks fail, the last one stays, below a line that says why."""
    from rich.live import Live  # noqa: PLC0415 - only a terminal needs it

    snapshot, trouble = looking.look(now_ms()), ""
    screen = printing.console()
    with keyboard() as quits, Live(console=screen, auto_refresh=False, transient=True) as live:
        while True:
            # A drawing that is broken off would stay behind.
            with streams.uninterrupted():
                live.update(_text(snapshot, trouble, screen), refresh=True)
            if quits(EVERY_SECONDS):
                return
            try:
                snapshot, trouble = looking.look(now_ms()), ""
            except (BotoCoreError, ClientError) as error:
                trouble = explain(error).sentence


def _text(snapshot: Snapshot, trouble: str, screen: Console) -> Text:
    """What a terminal shows that is as large as it is now."""
    from rich.text import Text  # noqa: PLC0415 - as above

    # A terminal may begin a new line as soon as the last column is full, or scroll with the last row.
    columns, rows = screen.width - 1, screen.height - 1
    lines = drawn(snapshot, columns=columns, rows=rows - bool(trouble), plain=not _takes_all(screen.encoding))
    shown = [cut(trouble, columns), *lines] if trouble else lines
    return Text("\n".join(shown), no_wrap=True, overflow="crop", end="")


def _takes_all(encoding: str) -> bool:
    return encoding.lower().startswith("utf")
