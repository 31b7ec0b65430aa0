"""How far a transcript can be trusted, in numbers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from services.gpu_worker.engine.plan import RATE, Plan, Remark
from services.gpu_worker.engine.results import ClipResult

DOUBTFUL = 0.5
"""A word less probable than this is worth a look."""


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


def report(plan: Plan, results: Sequence[ClipResult]) -> Quality:
    """Sum up a recording's clips."""
    probabilities = sorted(word.probability for result in results for word in result.words)
    speech = sum(clip.samples for clip in plan.clips)
    covered = sum(plan.clips[result.index].samples for result in results if result.words)
    return Quality(
        speech_share=round(plan.speech / plan.samples, 4) if plan.samples else 0.0,
        covered_share=round(covered / speech, 4) if speech else 1.0,
        clips=len(plan.clips),
        redecoded_clips=sum(result.decodes > 1 for result in results),
        flagged_clips=sum(bool(result.flags) for result in results),
        dropped_clips=sum(bool(result.dropped) for result in results),
        flags=dict(sorted(Counter(flag for result in results for flag in (*result.flags, *result.dropped)).items())),
        confidence=_distribution(probabilities),
        doubtful_share=round(sum(p < DOUBTFUL for p in probabilities) / max(len(probabilities), 1), 4),
        truncated_at=plan.truncated_at,
        warnings=_warnings(plan, results),
        remarks=plan.remarks,
    )


def _distribution(ordered: Sequence[float]) -> dict[str, float]:
    if not ordered:
        return {}
    last = len(ordered) - 1
    deciles = {f"p{10 * tenth}": ordered[last * tenth // 10] for tenth in (1, 5, 9)}
    return {"mean": round(sum(ordered) / len(ordered), 4), **deciles}


def _warnings(plan: Plan, results: Sequence[ClipResult]) -> tuple[str, ...]:
    warnings = list(plan.warnings)
    if not plan.speech:
        warnings.append("no_speech")
    elif not any(result.words for result in results):
        warnings.append("no_text")
    if plan.samples < RATE // 2:
        warnings.append("very_short")
    return tuple(warnings)
