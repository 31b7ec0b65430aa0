"""The quality report: how far a transcript can be trusted, in numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from services.common.transcript.voices import Voice, label

FLAGS = ("compression", "repetition", "unsure", "no_speech", "too_fast", "hallucination")
"""Doubts about a clip's text."""
WARNINGS = (
    "truncated",
    "damaged_packets",
    "gaps",
    "tracks_left_out",
    "sound_left_out",
    "channels_mixed",
    "channels_equal",
    "channels_differ",
    "channels_cancel",
    "no_speech",
    "no_text",
    "very_short",
    "vocabulary_cut",
    "defaults_left_out",
    "speakers_fewer",
    "speakers_unknown",
)
"""What of a recording is missing or doubtful; docs/recordings.md says what each means."""
DOUBTFUL = 0.5
"""Probability below which a word is worth hearing again."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark about a recording: a stable code, a sentence, and the place in seconds, if it has one."""

    code: str
    message: str
    at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The quality report of a transcript; shares from 0 to 1, times in seconds."""

    speech_share: float
    """Share of the recording's sound, without long pauses, that is speech."""
    covered_share: float
    """Share of the time with speech that is in clips which gave text."""
    clips: int
    redecoded_clips: int
    flagged_clips: int
    """Clips whose text was kept in spite of a doubt."""
    dropped_clips: int
    """Clips of which text was left out, since it was certainly not said."""
    flags: Mapping[str, int]
    confidence: Mapping[str, float]
    """Mean and deciles of the words' probabilities; empty if there are no words."""
    doubtful_share: float
    """Share of the words with a probability below 0.5."""
    truncated_at: float | None
    warnings: tuple[str, ...]
    remarks: tuple[Remark, ...]
    """Sentences and places for those warnings that have more to say than their code."""

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` takes back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Quality:
        """The report that `to_json` gave."""
        remarks = tuple(Remark(**remark) for remark in data["remarks"])
        return cls(**{**data, "warnings": tuple(data["warnings"]), "remarks": remarks})

    def published(self, voices: Sequence[Voice] | None = None) -> dict[str, Any]:
        """The `quality` of the published json: `short` and more, under the same names.

        Args:
            voices: the speakers who were told apart; None if the options do not ask for them.

        """
        deciles = {name: share for name, share in self.confidence.items() if name != "mean"}
        whole = {**self.to_json(), "confidence": self.confidence.get("mean"), "confidence_deciles": deciles}
        if voices is not None:
            whole["speakers"] = [
                {"id": label(place), "seconds": voice.seconds, "words": voice.words, "confidence": voice.confidence}
                for place, voice in enumerate(voices)
            ]
        return {**whole, **self.short(voices)}

    def short(self, voices: Sequence[Voice] | None = None) -> dict[str, Any]:
        """The form that goes into messages and replies, which says of `voices` how many they are."""
        short = {
            "confidence": self.confidence.get("mean"),
            "doubtful_share": self.doubtful_share,
            "covered_share": self.covered_share,
            "flagged_clips": self.flagged_clips,
            "truncated_at": self.truncated_at,
            "warnings": list(self.warnings),
            "remarks": [asdict(remark) for remark in self.remarks],
        }
        if voices is None:
            return short
        unknown = "speakers_unknown" in self.warnings and not voices
        return {**short, "speaker_count": None if unknown else sum(voice.words > 0 for voice in voices)}
