"""The words of a transcript. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its leading space, if it has one; times are in seconds from the recording's beginning."""

    text: str
    start: float
    end: float
    probability: float
    speaker: int | None = None
    """Who says it, as a place in `Transcript.voices`; None: not known."""

    def to_json(self) -> list[Any]:
        """A JSON array that `from_json` takes back. A recording has thousands of words, so the fields are not named."""
        fields = [self.text, self.start, self.end, self.probability]
        return fields if self.speaker is None else [*fields, self.speaker]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> Word:
        """The word that `to_json` gave."""
        return cls(*data)
