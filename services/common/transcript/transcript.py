"""The transcript of a recording: segments of text with times, words and doubts. Pure; `formats.py` publishes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.common.domain.options import Options
from services.common.transcript.quality import Quality
from services.common.transcript.segments import Segment
from services.common.transcript.turns import Turn, turns
from services.common.transcript.voices import Voice, default_name

VERSION = 1


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

    def named(self, names: Sequence[str | None]) -> Transcript:
        """The same transcript with the client's names: one a speaker, in their order; None leaves the speaker's own.

        Names beyond the speakers who were found change nothing.
        """
        return replace(self, names=tuple(names))

    def name(self, speaker: int) -> str:
        """What people call a speaker: what the client does, if it does."""
        return self._given(speaker) or default_name(speaker, self.language)

    @property
    def told_apart(self) -> tuple[Voice, ...] | None:
        """The voices, or None if the options do not ask for speakers."""
        return None if self.options.speakers is None else self.voices

    def speaker(self, segment: Segment) -> int | None:
        """The number of a segment's speaker; None: not known. Unless speakers were told apart, channels are."""
        if self.voices:
            return segment.speaker
        return segment.channel if self.options.channels == "separate" else None

    @property
    def speakers(self) -> Mapping[int, str]:
        """A name for people for each speaker who is heard; empty if only one is, and the client gave no name."""
        heard = {speaker for segment in self.segments if (speaker := self.speaker(segment)) is not None}
        shown = len(heard) > 1 or any(map(self._given, heard))
        return {speaker: self.name(speaker) for speaker in sorted(heard)} if shown else {}

    @property
    def told(self) -> Iterator[tuple[Segment, str]]:
        """Each segment with its speaker's name for people, which may be empty."""
        names = self.speakers
        for segment in self.segments:
            speaker = self.speaker(segment)
            yield segment, "" if speaker is None else names.get(speaker, "")

    @property
    def turns(self) -> Iterator[Turn]:
        """The turns of the whole transcript, in order."""
        return turns(self.told)

    @property
    def text(self) -> str:
        """The text alone: one segment a line or, if the options ask for speakers, one turn a paragraph.

        The speaker's name stands before it if several speak, or if the client gave a name.
        """
        if self.options.speakers is None:
            return "\n".join(_after(name, segment.text) for segment, name in self.told)
        return "\n\n".join(_after(turn.speaker, " ".join(turn.text.split())) for turn in self.turns)

    def _given(self, speaker: int) -> str | None:
        return self.names[speaker] if speaker < len(self.names) else None

    def to_json(self) -> dict[str, Any]:
        """The whole transcript as a JSON object that `from_json` takes back, but for the names.

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
        """The transcript that `to_json` of this or an earlier release gave.

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


def _after(name: str, text: str) -> str:
    return f"{name}: {text}" if name else text
