"""From a plan and its clips' results to the numbers of the quality report. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from services.common.transcript.quality import DOUBTFUL, Quality
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.plan import Plan


def report(plan: Plan, results: Sequence[ClipResult]) -> Quality:
    """The quality report of a recording; `results` are those of all clips of the plan."""
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
