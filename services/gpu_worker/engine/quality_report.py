"""From a plan and its clips' results to the numbers of the quality report. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from services.common.domain.options import Options
from services.common.transcript.quality import DOUBTFUL, Quality, Remark
from services.common.transcript.segments import Segment
from services.common.transcript.voices import Voice
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.plan import Plan


def report(plan: Plan, results: Sequence[ClipResult], on_speakers: Remark | None = None) -> Quality:
    """The quality report of a recording; `results` are those of all clips of the plan."""
    remarks = plan.remarks if on_speakers is None else (*plan.remarks, on_speakers)
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
        warnings=_warnings(plan, results, remarks),
        remarks=remarks,
    )


def remark_on_speakers(
    options: Options, segments: Sequence[Segment], found: Sequence[Voice], *, told_apart: bool
) -> Remark | None:
    """What people should know of the speakers who were found, if the options ask for them.

    A number that the client gave is one of each channel. A channel without text has no speakers and no remark.
    """
    asked = options.speakers
    if asked is None:
        return None
    if not told_apart:
        return Remark("speakers_unknown", "The speakers could not be told apart; the text is whole.")
    wanted = asked.at_least if asked.at_least > 1 else asked.at_most or 0
    by_channel = Counter(voice.channel for voice in found)
    channels = sorted({segment.channel for segment in segments})
    fewer = {channel: by_channel[channel] for channel in channels if by_channel[channel] < wanted}
    if not fewer:
        return None
    if options.channels == "separate":
        told = ", ".join(f"{count} in channel {channel}" for channel, count in fewer.items())
        return Remark("speakers_fewer", f"Speakers that were asked for in each channel: {wanted}; found: {told}.")
    return Remark("speakers_fewer", f"Speakers that were asked for: {wanted}; found: {fewer[channels[0]]}.")


def _distribution(ordered: Sequence[float]) -> dict[str, float]:
    if not ordered:
        return {}
    last = len(ordered) - 1
    deciles = {f"p{10 * tenth}": ordered[last * tenth // 10] for tenth in (1, 5, 9)}
    return {"mean": round(sum(ordered) / len(ordered), 4), **deciles}


def _warnings(plan: Plan, results: Sequence[ClipResult], remarks: Sequence[Remark]) -> tuple[str, ...]:
    warnings = [remark.code for remark in remarks]
    if not plan.speech:
        warnings.append("no_speech")
    elif not any(result.words for result in results):
        warnings.append("no_text")
    if plan.samples < RATE // 2:
        warnings.append("very_short")
    return tuple(warnings)
