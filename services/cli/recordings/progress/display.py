"""How far recordings are, on standard error: live lines on a terminal, else a line for each change of stage."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.cli import printing, streams
from services.cli.columns import cells, cut, cut_in_the_middle
from services.cli.errors import Exit
from services.cli.recordings.progress.recording import Phase
from services.common.domain.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from services.cli.recordings.progress.recording import Recording

FRAMES_A_SECOND = 4
LEAST_NAME, MOST_NAME, LEAST_BAR, MOST_BAR, GAP = 11, 60, 5, 30, 2
"""Cells."""
WORDS = ((100, 58), (78, 44), (0, 39))
"""Cells of the words, by how wide a terminal is at least. An upload with its speed, and a place in the queue with
its estimate, are never cut where there is a bar, nor from 80 columns on `a machine reads it · longer than expected`."""
MOST_ROWS = 20


class Display:
    """Shows nothing, as `--quiet` wants it. The others show recordings from one `update` to the next."""

    def update(self) -> None:
        """Show how far the recordings are. It is called several times a second."""

    def make_way(self) -> None:
        """Leave the terminal as it was to whoever prints, until the next `update`."""


def display(recordings: Sequence[Recording]) -> Display:
    """The display for where standard error goes."""
    if printing.is_silent():
        return Display()
    if sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown"):
        return LiveLines(recordings)
    return Lines(recordings)


class Lines(Display):
    """A line each time that something else happens with a recording, for logs and for people who hear their screen."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._recordings = recordings
        self._told: dict[Recording, str] = {}

    def update(self) -> None:
        now = time.monotonic()
        for recording in self._recordings:
            ends = recording.phase in (Phase.BEFORE, Phase.ENDED) or recording.has_ended
            if ends or self._told.get(recording) == recording.stage:
                continue
            self._told[recording] = recording.stage
            printing.note(f"{printing.shown(recording.name)}: {recording.told(now, live=False)}")


class LiveLines(Display):
    """A line for each recording, drawn again and again; and one for all, if there are several."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._recordings = recordings
        self._console: Console = printing.console(stderr=True)
        self._live: Live | None = None

    def update(self) -> None:
        from rich.live import Live  # noqa: PLC0415 - only a terminal needs it

        if self._live is None:
            self._live = Live(
                console=self._console,
                get_renderable=self._drawn,
                refresh_per_second=FRAMES_A_SECOND,
                transient=True,
                # What other modules print to standard error appears above; standard output may go elsewhere.
                redirect_stdout=False,
            )
            # A drawing that Ctrl-C breaks off would be written once more.
            with streams.uninterrupted():
                self._live.start(refresh=True)

    def make_way(self) -> None:
        # One that is started again would erase as many lines as it had before.
        live, self._live = self._live, None
        if live is not None:
            with streams.uninterrupted():
                live.stop()

    def _drawn(self) -> Text:
        from rich.text import Text  # noqa: PLC0415 - as above

        columns, rows = self._console.size
        plain = not self._console.encoding.lower().startswith("utf")
        lines = drawn(self._recordings, columns=columns, rows=rows, now=time.monotonic())
        text = Text("\n", no_wrap=True, overflow="crop", end="").join(_styled(line, plain=plain) for line in lines)
        text.no_wrap, text.overflow = True, "crop"
        return text


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the live display."""

    name: str
    full: int = 0
    """Cells of the bar that are full."""
    bar: int = 0
    """All of its cells; 0: there is none."""
    words: str = ""


def drawn(recordings: Sequence[Recording], *, columns: int, rows: int, now: float) -> list[Line]:
    """The lines for a terminal of this size. None is longer than it is wide, nor are they more than it has rows."""
    going = sorted((one for one in recordings if one.phase is not Phase.ENDED), key=_place)
    # A terminal may begin a new line as soon as the last column is full.
    width = columns - 1
    told = next(words for least, words in WORDS if width >= least)
    has_bars = width >= LEAST_NAME + LEAST_BAR + told + 2 * GAP
    told = min(told, width - LEAST_NAME - GAP)
    left = width - told - GAP
    name = min(max((cells(one.label) for one in going), default=0), MOST_NAME, left - has_bars * (LEAST_BAR + GAP))
    bar = min(MOST_BAR, left - name - GAP) if has_bars else 0
    lines = [
        Line(
            name=cut_in_the_middle(one.label, name),
            full=round((one.fraction or 0) * bar),
            bar=bar,
            words=cut(one.told(now), told).rstrip(),
        )
        for one in going[: max(1, min(MOST_ROWS, rows - 2))]
    ]
    if len(recordings) > 1:
        lines.append(Line(name=cut(summary(recordings), width).rstrip()))
    return lines


def summary(recordings: Sequence[Recording]) -> str:
    """How many recordings are where."""
    number = Counter("failed" if one.exit_code is not Exit.DONE else one.phase.value for one in recordings)
    words = (
        (number[Phase.ENDED], f"of {len(recordings)} done"),
        (number["failed"], "failed"),
        (number[Phase.SENT], "under way"),
        (number[Phase.UPLOADING], "uploading"),
        (number[Phase.BEFORE], "to send"),
    )
    return ", ".join(f"{count} {told}" for place, (count, told) in enumerate(words) if count or not place)


def _place(recording: Recording) -> int:
    """Those come first of which there is most to see. An upload's thread may change a phase at any moment."""
    is_running = recording.job.get("status") == JobStatus.RUNNING
    return 0 if is_running or recording.phase is Phase.UPLOADING else 1 if recording.phase is Phase.SENT else 2


def _styled(line: Line, *, plain: bool) -> Text:
    from rich.text import Text  # noqa: PLC0415 - as above

    if not line.words:
        return Text(line.name, style="dim")
    done, rest, gap = ("#", "-", " " * GAP) if plain else ("━", "─", " " * GAP)
    text = Text(line.name + gap)
    if line.bar:
        text.append(done * line.full, style="green").append(rest * (line.bar - line.full), style="dim").append(gap)
    return text.append(line.words)
