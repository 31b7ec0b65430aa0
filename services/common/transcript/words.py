"""Words, as they were heard. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its leading space, if it has one; times in seconds of the recording."""

    text: str
    start: float
    end: float
    probability: float

    def to_json(self) -> list[Any]:
        """A JSON array that `from_json` takes back: a recording has thousands of words, so no field is named."""
        return [self.text, self.start, self.end, self.probability]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> Word:
        """What `to_json` gave."""
        return cls(*data)
