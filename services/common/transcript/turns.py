"""Joins segments into turns: what one speaker says until another speaks or there is a pause. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.common.transcript.transcript import Segment, Transcript

LONGEST_PAUSE = 3.0
"""Seconds of silence that end a turn."""
LONGEST_TURN = 30.0
"""Longest turn, in seconds, if it has several segments: each turn shows its time, which should be near every word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Some segments of one speaker; `start` is in seconds."""

    start: float
    speaker: str
    """A name for people; empty if only one speaks."""
    text: str


def turns(transcript: Transcript) -> Iterator[Turn]:
    """The turns of the whole transcript, in order."""
    names = transcript.speakers
    current: list[Segment] = []
    for segment in transcript.segments:
        if current and _begins_turn(segment, current):
            yield _turn(current, names.get(current[0].channel, ""))
            current = []
        current.append(segment)
    if current:
        yield _turn(current, names.get(current[0].channel, ""))


def _begins_turn(segment: Segment, current: Sequence[Segment]) -> bool:
    return (
        segment.channel != current[0].channel
        or segment.start - current[-1].end > LONGEST_PAUSE
        or segment.end - current[0].start > LONGEST_TURN
    )


def _turn(segments: Sequence[Segment], speaker: str) -> Turn:
    return Turn(start=segments[0].start, speaker=speaker, text=" ".join(segment.text for segment in segments))
