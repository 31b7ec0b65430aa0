"""Who speaks when: turns, and the files in which they are kept (RTTM)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

FIELDS = 8
"""Of a line: type, recording, channel, start, length, two that nobody uses, speaker; two more may follow."""


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """A stretch of speech of one speaker, in seconds; turns of several speakers may overlap."""

    start: float
    end: float
    speaker: str


def read_rttm(path: Path) -> dict[str, list[Turn]]:
    """Turns by recording, in order of time. Lines of other types and empty ones are left out.

    Raises ValueError if a line of a speaker has too few fields, or a time that is no number.
    """
    recordings: dict[str, list[Turn]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        if len(fields) < FIELDS:
            message = f"{path}, line {number}: {len(fields)} fields, where at least {FIELDS} are needed"
            raise ValueError(message)
        start, length = float(fields[3]), float(fields[4])
        recordings.setdefault(fields[1], []).append(Turn(start, start + length, fields[7]))
    return {recording: sorted(turns) for recording, turns in recordings.items()}


def write_rttm(path: Path, recording: str, turns: Iterable[Turn]) -> Path:
    """Write the turns of one recording, with times to the millisecond."""
    lines = [
        f"SPEAKER {recording} 1 {turn.start:.3f} {turn.end - turn.start:.3f} <NA> <NA> {turn.speaker} <NA> <NA>\n"
        for turn in sorted(turns)
    ]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def speakers_of(turns: Sequence[Turn]) -> list[str]:
    """All who speak, in order of their first turn."""
    return list(dict.fromkeys(turn.speaker for turn in sorted(turns)))
