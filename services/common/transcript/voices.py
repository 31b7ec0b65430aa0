"""The speakers of a transcript: what is known of each, and what each is called. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from services.common.transcript.segments import Segment

SPEAKER: Mapping[str, str] = {"sv": "Talare"}
"""The word for a speaker, by the transcript's language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A speaker who was told apart from the others."""

    channel: int
    seconds: float
    """How long the speaker's words are together."""
    words: int
    confidence: float
    """Mean probability of the speaker's words; 0 if a person has given all of them to others."""

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


def default_name(speaker: int, language: str) -> str:
    """What people call a speaker to whom the client gave no name."""
    return f"{SPEAKER.get(language, 'Speaker')} {speaker + 1}"


def numbered(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The same segments with their speakers numbered from 0 on, in the order in which they are first heard.

    Before, each channel has numbers of its own.
    """
    heard = [(segment.channel, segment.speaker) for segment in segments if segment.speaker is not None]
    numbers = {speaker: number for number, speaker in enumerate(dict.fromkeys(heard))}
    return tuple(
        segment if segment.speaker is None else _said_by(segment, numbers[segment.channel, segment.speaker])
        for segment in segments
    )


def _said_by(segment: Segment, speaker: int) -> Segment:
    return replace(segment, speaker=speaker, words=tuple(replace(word, speaker=speaker) for word in segment.words))


def voices(segments: Iterable[Segment]) -> tuple[Voice, ...]:
    """The voices of segments whose speakers are numbered from 0 on, each of whom says at least one word."""
    by_speaker = _by_speaker(segments)
    return tuple(_voice(by_speaker[speaker]) for speaker in sorted(by_speaker))


def all_voices(segments: Iterable[Segment], before: Sequence[Voice]) -> tuple[Voice, ...]:
    """The voices of segments that a person has changed.

    The voices that there were before keep their places, also if nobody is heard there any more, so that each keeps its
    label and its name. New ones follow, up to the highest number that a segment has.
    """
    by_speaker = _by_speaker(segments)
    silent = Voice(channel=0, seconds=0.0, words=0, confidence=0.0)
    found = [
        _voice(by_speaker[number]) if number in by_speaker else silent
        for number in range(max([len(before), *(number + 1 for number in by_speaker)]))
    ]
    kept = [replace(new, channel=old.channel) for new, old in zip(found, before, strict=False)]
    return (*kept, *found[len(before) :])


def _by_speaker(segments: Iterable[Segment]) -> dict[int, list[Segment]]:
    by_speaker: dict[int, list[Segment]] = {}
    for segment in segments:
        if segment.speaker is not None:
            by_speaker.setdefault(segment.speaker, []).append(segment)
    return by_speaker


def _voice(segments: list[Segment]) -> Voice:
    words = [word for segment in segments for word in segment.words]
    return Voice(
        channel=segments[0].channel,
        seconds=round(sum(word.end - word.start for word in words), 3),
        words=len(words),
        confidence=round(sum(word.probability for word in words) / len(words), 4),
    )
