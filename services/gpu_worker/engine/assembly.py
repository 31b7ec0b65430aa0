"""From clip results to the transcript. Pure, so that any process may do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import islice

from services.common.domain.options import Options
from services.common.transcript.attribution import SpokenTurn, attributed
from services.common.transcript.segments import Segment
from services.common.transcript.sentences import sentences
from services.common.transcript.spoken_by_one import spoken_by_one
from services.common.transcript.transcript import Transcript
from services.common.transcript.voices import numbered, voices
from services.common.transcript.words import Word
from services.gpu_worker.engine.decode.model_files import ModelFiles
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.quality_report import remark_on_speakers, report


def assemble(
    plan: Plan,
    results: Iterable[ClipResult],
    options: Options,
    model: ModelFiles,
    turns: Sequence[Sequence[SpokenTurn]] | None = None,
) -> Transcript:
    """Put the results of all clips of a plan together.

    Args:
        plan: of the whole recording.
        results: one for each of its clips.
        options: of the job.
        model: which the job is transcribed with.
        turns: when each speaker is heard, for each channel; None: speakers were not, or could not be, told apart.

    Raises:
        ValueError: a clip has no result.

    """
    by_index = {result.index: result for result in results}
    missing = [clip.index for clip in plan.clips if clip.index not in by_index]
    if missing:
        raise ValueError(f"no result for clips {missing}")
    ordered = [by_index[clip.index] for clip in plan.clips]
    parts = [
        segment
        for channel in range(plan.channels)
        for segment in _segments(plan, ordered, channel, None if turns is None else turns[channel])
    ]
    segments = numbered(sorted(parts, key=lambda segment: (segment.start, segment.channel)))
    found = voices(segments)
    return Transcript(
        language=plan.language,
        seconds=round(plan.seconds, 3),
        segments=segments,
        quality=report(plan, ordered, remark_on_speakers(options, segments, found, told_apart=turns is not None)),
        options=options,
        model=model.name,
        revision=model.revision,
        versions=_versions(),
        voices=found,
    )


def _segments(
    plan: Plan, ordered: list[ClipResult], channel: int, turns: Sequence[SpokenTurn] | None
) -> Iterator[Segment]:
    """The segments of a channel, whose speakers are numbered as in its turns."""
    mine = [result for result in ordered if plan.clips[result.index].channel == channel]
    words = _apart([word for result in mine for word in result.words], round(plan.seconds, 3))
    doubts = iter([result.flags for result in mine for _ in result.words])
    said = sentences(words) if turns is None else _by_speaker(words, turns)
    for sentence in said:
        yield Segment(
            start=sentence[0].start,
            end=sentence[-1].end,
            text="".join(word.text for word in sentence).strip(),
            confidence=round(sum(word.probability for word in sentence) / len(sentence), 4),
            channel=channel,
            flags=tuple(sorted({flag for flags in islice(doubts, len(sentence)) for flag in flags})),
            words=sentence,
            speaker=sentence[0].speaker,
        )


def _by_speaker(words: Sequence[Word], turns: Sequence[SpokenTurn]) -> Iterator[tuple[Word, ...]]:
    return (part for sentence in sentences(attributed(words, turns)) for part in spoken_by_one(sentence))


def _apart(words: Sequence[Word], seconds: float) -> list[Word]:
    """The same words in whole milliseconds: none overlaps another or the recording's end, each lasts at least one.

    The alignment may give a word no length. A subtitle needs one, and times are the same in every format. A recording
    always has more milliseconds than words.
    """
    laid = []
    earliest = 0
    for left, word in zip(range(len(words), 0, -1), words, strict=True):
        latest = round(seconds * 1000) - left
        start = min(max(round(word.start * 1000), earliest), latest)
        earliest = min(max(round(word.end * 1000), start + 1), latest + 1)
        laid.append(replace(word, start=start / 1000, end=earliest / 1000))
    return laid


@cache
def _versions() -> dict[str, str]:
    """The installed versions of the packages that turn sound into words."""
    found = {}
    for package in ("gpu-transcriber", "faster-whisper", "ctranslate2", "av"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # run from a checkout, or in a process without the decoder
            continue
    return found
