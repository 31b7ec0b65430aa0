"""What a job gets: segments of text with times and doubts. Pure; its JSON is the published `json` format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from services.common.domain.options import Options
from services.common.transcript.quality import Quality
from services.common.transcript.words import Word

VERSION = 1
SPEAKER: Mapping[str, str] = {"sv": "Talare"}
"""What a speaker is called in a transcript of a language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A sentence, or as much of one as is said without a long pause; times in seconds."""

    start: float
    end: float
    text: str
    confidence: float
    """Mean probability of its words."""
    channel: int
    flags: tuple[str, ...]
    """Doubts about the clip the words are from; see `engine/decode/acceptance.py`."""
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A whole recording's text, and all that is known about how it came to be."""

    language: str
    seconds: float
    segments: tuple[Segment, ...]
    quality: Quality
    options: Options
    model: str
    revision: str
    versions: Mapping[str, str]

    @property
    def speakers(self) -> Mapping[int, str]:
        """A name for people to each channel, where several are heard; none where there is nothing to tell apart."""
        heard = sorted({segment.channel for segment in self.segments})
        name = SPEAKER.get(self.language, "Speaker")
        return {channel: f"{name} {channel + 1}" for channel in heard} if len(heard) > 1 else {}

    @property
    def text(self) -> str:
        """The text alone, one segment a line; who speaks stands before it, where several do."""
        names = self.speakers
        return "\n".join(
            f"{names[segment.channel]}: {segment.text}" if names else segment.text for segment in self.segments
        )

    def to_json(self) -> dict[str, Any]:
        """The published form: words are in it when the options ask for them."""
        return {
            "version": VERSION,
            "language": self.language,
            "duration": self.seconds,
            "text": self.text,
            "segments": [self._segment(segment) for segment in self.segments],
            "quality": asdict(self.quality),
            "options": self.options.to_json(),
            "model": {"name": self.model, "revision": self.revision},
            "versions": dict(self.versions),
        }

    def _segment(self, segment: Segment) -> dict[str, Any]:
        data: dict[str, Any] = {
            "start": segment.start,
            "end": segment.end,
            "text": segment.text,
            "confidence": segment.confidence,
            "flags": list(segment.flags),
        }
        if self.options.channels == "separate":
            data["channel"] = segment.channel
        if self.options.words:
            data["words"] = [
                {
                    "word": word.text.strip(),
                    "start": word.start,
                    "end": word.end,
                    "probability": word.probability,
                }
                for word in segment.words
            ]
        return data
