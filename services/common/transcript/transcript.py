"""The transcript of a recording: segments of text with times, words and doubts. Pure; `formats.py` publishes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from services.common.domain.options import Options
from services.common.transcript.quality import Quality
from services.common.transcript.words import Word

VERSION = 1
SPEAKER: Mapping[str, str] = {"sv": "Talare"}
"""The word for a speaker, by the transcript's language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A sentence, or a part of one that was said without a long pause; times are in seconds."""

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
        """The segment that `to_json` gave."""
        words = tuple(map(Word.from_json, data["words"]))
        return cls(**{**data, "flags": tuple(data["flags"]), "words": words})


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A speaker who was told apart from the others."""

    channel: int
    seconds: float
    """How long the speaker's words are together."""
    words: int
    confidence: float
    """Mean probability of the speaker's words."""

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` takes back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Voice:
        """The voice that `to_json` gave."""
        return cls(**data)


def label(speaker: int) -> str:
    """The label of a speaker, which no renaming changes."""
    return f"S{speaker + 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """The text of a whole recording, and with which model, options and versions it was made."""

    language: str
    seconds: float
    segments: tuple[Segment, ...]
    quality: Quality
    options: Options
    model: str
    revision: str
    versions: Mapping[str, str]
    voices: tuple[Voice, ...] = ()
    """The speakers in the order in which they are first heard; empty unless the options ask for them."""
    names: tuple[str | None, ...] = ()
    """The client's names for them, which are not kept with the words."""

    @property
    def speakers(self) -> Mapping[int, str]:
        """A name for people for each channel, if several channels have text; else empty."""
        heard = sorted({segment.channel for segment in self.segments})
        name = SPEAKER.get(self.language, "Speaker")
        return {channel: f"{name} {channel + 1}" for channel in heard} if len(heard) > 1 else {}

    @property
    def text(self) -> str:
        """The text alone, one segment per line; the speaker's name stands before it if several speak."""
        names = self.speakers
        return "\n".join(
            f"{names[segment.channel]}: {segment.text}" if names else segment.text for segment in self.segments
        )

    def to_json(self) -> dict[str, Any]:
        """The whole transcript as a JSON object that `from_json` takes back.

        It holds every word, whatever the options say.
        """
        return {
            "version": VERSION,
            "language": self.language,
            "seconds": self.seconds,
            "segments": [segment.to_json() for segment in self.segments],
            "quality": self.quality.to_json(),
            "options": self.options.to_json(),
            "model": self.model,
            "revision": self.revision,
            "versions": dict(self.versions),
            "voices": [voice.to_json() for voice in self.voices],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Transcript:
        """The transcript that `to_json` gave.

        Raises:
            ValueError: it is of another version.

        """
        if data["version"] != VERSION:
            raise ValueError(f"transcript version {data['version']} is not {VERSION}")
        return cls(
            language=data["language"],
            seconds=data["seconds"],
            segments=tuple(map(Segment.from_json, data["segments"])),
            quality=Quality.from_json(data["quality"]),
            options=Options.from_json(data["options"]),
            model=data["model"],
            revision=data["revision"],
            versions=data["versions"],
            voices=tuple(map(Voice.from_json, data.get("voices", ()))),
        )
