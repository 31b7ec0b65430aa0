"""Gives words their speakers: from turns, which are known in time, to words. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.common.transcript.words import Word

NEAREST = 1.0
"""Seconds from a word within which the nearest turn may be the word's. The times of words are wrong by some tenths of a
second, and the beginning or end of a turn may be too quiet to be heard as one. In more time another may have spoken."""


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """A stretch of one channel in which one speaker is heard, in seconds on the player's clock.

    Turns of a channel do not overlap.
    """

    start: float
    end: float
    speaker: int


def attributed(words: Sequence[Word], turns: Sequence[SpokenTurn]) -> list[Word]:
    """The words of one channel, each with its speaker, in their order.

    It is the one whose turns overlap most with the word, else that of the nearest turn within `NEAREST`, else None.
    Each word is looked at alone, so it does not matter which other words there are.
    """
    ordered = sorted(turns, key=lambda turn: (turn.start, turn.end))
    ends = [turn.end for turn in ordered]
    return [replace(word, speaker=_speaker(word, ordered, bisect_right(ends, word.start))) for word in words]


def _speaker(word: Word, turns: Sequence[SpokenTurn], first: int) -> int | None:
    """The speaker of a word; `first` is the first turn that ends after the word's start."""
    shared: dict[int, float] = {}
    for index in range(first, len(turns)):
        turn = turns[index]
        if turn.start >= word.end:
            break
        seconds = min(turn.end, word.end) - max(turn.start, word.start)
        shared[turn.speaker] = shared.get(turn.speaker, 0.0) + seconds
    # Of equal ones the earlier one is taken.
    return max(shared, key=shared.__getitem__) if shared else _nearest(word, turns[max(first - 1, 0) : first + 1])


def _nearest(word: Word, beside: Sequence[SpokenTurn]) -> int | None:
    """The speaker of the nearer one of the turns before and after a word, if it is near."""
    distances = [(max(turn.start - word.end, word.start - turn.end), turn.speaker) for turn in beside]
    near = [(distance, speaker) for distance, speaker in distances if distance <= NEAREST]
    return min(near, key=lambda found: found[0])[1] if near else None
