"""How a labelling's errors are shown: as an entry for each recording, and as a table of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench.speakers.turn_errors import TurnErrors

COLUMNS = {
    "speakers": "speakers",
    "found": "found",
    "der": "DER",
    "miss": "miss",
    "false_alarm": "false alarm",
    "confusion": "confusion",
    "words": "words matched",
    "word_errors": "wrong label",
    "processor_seconds_per_hour": "processor s/h",
}
SHARES = ("der", "miss", "false_alarm", "confusion", "words", "word_errors")


def turn_figures(errors: TurnErrors) -> dict[str, float]:
    """Shares of the speech. Where nobody speaks there are none, but the seconds of false alarm."""
    if errors.speech == 0:
        return {"false_alarm_seconds": round(errors.false_alarm, 2)}
    return {
        "der": round(errors.rate, 4),
        "miss": round(errors.share(errors.miss), 4),
        "false_alarm": round(errors.share(errors.false_alarm), 4),
        "confusion": round(errors.share(errors.confusion), 4),
    }


def joined(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Entries of earlier runs, in the place of which those of the same recording come that are new."""
    return list({entry["recording"]: entry for entry in (*before, *now)}.values())


def table(entries: Sequence[Mapping[str, Any]]) -> str:
    """For the screen and for docs/performance.md; shares in per cent."""
    lines = [f"| {' | '.join(['recording', *COLUMNS.values()])} |", "|---" * (len(COLUMNS) + 1) + "|"]
    lines += [
        f"| {' | '.join([entry['recording'], *(_cell(entry, column) for column in COLUMNS)])} |" for entry in entries
    ]
    return "\n".join(lines)


def _cell(entry: Mapping[str, Any], column: str) -> str:
    if column == "false_alarm" and "false_alarm_seconds" in entry:
        return f"{entry['false_alarm_seconds']:.1f} s"
    value = entry.get(column)
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if column in SHARES else f"{value:g}"
