"""How far a transcript can be trusted, in numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

DOUBTFUL = 0.5
"""A word less probable than this is worth hearing again."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What is worth knowing about a recording: a stable code, a sentence, and where, in seconds, if it is somewhere."""

    code: str
    message: str
    at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The quality report of a transcript; shares from 0 to 1, times in seconds."""

    speech_share: float
    """Of the recording's sound, long pauses left out, in which somebody speaks."""
    covered_share: float
    """Of the time with speech, in clips that gave text."""
    clips: int
    redecoded_clips: int
    flagged_clips: int
    """Clips whose text was taken in spite of a doubt."""
    dropped_clips: int
    """Clips of which text was left out, as it was surely not said."""
    flags: Mapping[str, int]
    confidence: Mapping[str, float]
    """Mean and deciles of the words' probabilities; nothing without words."""
    doubtful_share: float
    """Of the words, with a probability under 0.5."""
    truncated_at: float | None
    warnings: tuple[str, ...]
    remarks: tuple[Remark, ...]
    """What the warnings that have something to tell say, and where."""

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` takes back, and the `quality` of the published json."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Quality:
        """What `to_json` gave."""
        remarks = tuple(Remark(**remark) for remark in data["remarks"])
        return cls(**{**data, "warnings": tuple(data["warnings"]), "remarks": remarks})

    def short(self) -> dict[str, Any]:
        """The form that goes into a webhook."""
        return {
            "confidence": self.confidence.get("mean"),
            "doubtful_share": self.doubtful_share,
            "covered_share": self.covered_share,
            "flagged_clips": self.flagged_clips,
            "truncated_at": self.truncated_at,
            "warnings": list(self.warnings),
            "remarks": [asdict(remark) for remark in self.remarks],
        }
