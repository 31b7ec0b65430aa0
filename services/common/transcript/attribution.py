"""Gives words their speakers: from turns, which are known in time, to words and sentences. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.common.transcript.words import Word


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """A stretch of one channel in which one speaker is heard, in seconds on the player's clock.

    Turns of a channel do not overlap.
    """

    start: float
    end: float
    speaker: int


def attributed(words: Sequence[Word], turns: Sequence[SpokenTurn]) -> list[Word]:
    """The words of one channel, in order of time, each with its speaker.

    It is the one whose turns overlap most with the word, else that of the nearest turn within a limit, else None.
    """
    raise NotImplementedError
