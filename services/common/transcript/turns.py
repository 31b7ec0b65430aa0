"""Joins segments into turns: what one speaker says until another speaks or there is a pause. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.common.transcript.segments import Segment

LONGEST_PAUSE = 3.0
"""Seconds of silence that end a turn."""
LONGEST_TURN = 30.0
"""Longest turn, in seconds, if it has several segments: each turn shows its time, which should be near every word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Some segments of one speaker; `start` is in seconds."""

    start: float
    speaker: str
    """A name for people; empty if only one speaks, or if nobody knows who."""
    text: str


def turns(told: Iterable[tuple[Segment, str]]) -> Iterator[Turn]:
    """The turns of segments, each with its speaker's name for people, in order."""
    current: list[Segment] = []
    name = ""
    for segment, speaker in told:
        if current and _begins_turn(segment, current):
            yield _turn(current, name)
            current = []
        current.append(segment)
        name = speaker
    if current:
        yield _turn(current, name)


def _begins_turn(segment: Segment, current: Sequence[Segment]) -> bool:
    return (
        (segment.channel, segment.speaker) != (current[0].channel, current[0].speaker)
        or segment.start - current[-1].end > LONGEST_PAUSE
        or segment.end - current[0].start > LONGEST_TURN
    )


def _turn(segments: Sequence[Segment], speaker: str) -> Turn:
    return Turn(start=segments[0].start, speaker=speaker, text=" ".join(segment.text for segment in segments))
