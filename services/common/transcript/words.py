"""Words, as they were heard. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its leading space, if it has one; times in seconds of the recording."""

    text: str
    start: float
    end: float
    probability: float
