"""The segments of a transcript. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.common.transcript.words import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A sentence, or a part of one that one speaker said without a long pause; times are in seconds."""

    start: float
    end: float
    text: str
    confidence: float
    """Mean probability of its words."""
    channel: int
    flags: tuple[str, ...]
    """Doubts about the clip from which the words are, such as `repetition`."""
    words: tuple[Word, ...]
    speaker: int | None = None
    """Who says it, as a place in `Transcript.voices`; None: not known."""

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` takes back."""
        return {
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "confidence": self.confidence,
            "channel": self.channel,
            "flags": list(self.flags),
            "words": [word.to_json() for word in self.words],
            "speaker": self.speaker,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Segment:
        """The segment that `to_json` of this or an earlier release gave."""
        words = tuple(map(Word.from_json, data["words"]))
        return cls(**{**data, "flags": tuple(data["flags"]), "words": words})
