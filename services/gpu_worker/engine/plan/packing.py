"""From spans of speech to clips and parts: pure arithmetic on samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from services.gpu_worker.engine.audio.sound import RATE, Span
from services.gpu_worker.engine.plan.plan import Clip, PlannedPart

CLIP_SAMPLES = 30 * RATE
"""Samples in a Whisper window."""
PAD = 400 * RATE // 1000
"""Samples that are kept before and after a clip's speech, as a consonant begins before voice activity is detected."""
GAP = 800 * RATE // 1000
"""Samples to which a silence within a clip is shortened. A window then holds more speech, and less silence for which
the model could invent words."""
# Weights of the three costs of a packing, measured in docs/performance.md: each further window, its length, and a cut
# where the speaker hardly paused, which takes a word's context or half of it.
WINDOW_COST, LENGTH_POWER, CUT_COST, SHORT_PAUSE = 0.3, 1.3, 0.5, 0.3 * RATE


def pack(speech: Sequence[Span], start: int, end: int) -> list[tuple[Span, ...]]:
    """Group spans of speech within [start, end) into clips of at most 30 s of audio, at the least total cost.

    Each span must be at most 30 s less twice PAD.

    Returns:
        For each clip the spans, in samples, that make up its audio when laid end to end.

    """
    clips = []
    for first, last in _groups(speech) if speech else []:
        before = speech[first - 1][1] if first else start - 2 * PAD
        after = speech[last][0] if last < len(speech) else end + 2 * PAD
        begin = max(speech[first][0] - min(PAD, (speech[first][0] - before) // 2), start)
        finish = min(speech[last - 1][1] + min(PAD, (after - speech[last - 1][1]) // 2), end)
        clips.append(_pieces(speech[first:last], begin, finish))
    return clips


def _groups(speech: Sequence[Span]) -> list[tuple[int, int]]:
    """Which spans make up each clip, as (first, one past the last), in the cheapest of all groupings."""
    gaps = [after - before for (_, before), (after, _) in pairwise(speech)]
    # Where each span begins once the silences are shortened; `offsets[i + 1]` counts the gap after span i as well.
    offsets = [0]
    for (start, end), gap in zip(speech, [*gaps, 0], strict=True):
        offsets.append(offsets[-1] + end - start + min(gap, GAP))
    best = [0.0] + [math.inf] * len(speech)
    origin = [0] * (len(speech) + 1)
    for last in range(1, len(speech) + 1):
        pause = gaps[last - 1] if last < len(speech) else None
        cut = CUT_COST * math.exp(-pause / SHORT_PAUSE) if pause is not None else 0.0
        for first in range(last - 1, -1, -1):
            length = offsets[last] - min(pause or 0, GAP) - offsets[first] + 2 * PAD
            if length > CLIP_SAMPLES and first < last - 1:
                break
            cost = best[first] + WINDOW_COST + (length / CLIP_SAMPLES) ** LENGTH_POWER + cut
            if cost < best[last]:
                best[last], origin[last] = cost, first
    groups = []
    last = len(speech)
    while last:
        groups.append((origin[last], last))
        last = origin[last]
    return groups[::-1]


def _pieces(speech: Sequence[Span], begin: int, finish: int) -> tuple[Span, ...]:
    """The audio of a clip with its silences shortened: half of GAP is kept at each side."""
    pieces = []
    for (_, before), (after, _) in pairwise(speech):
        if after - before > GAP:
            pieces.append((begin, before + GAP // 2))
            begin = after - (GAP - GAP // 2)
    return (*pieces, (begin, finish))


def union(channels: Sequence[Sequence[Span]]) -> list[Span]:
    """The spans in which at least one channel has speech; spans that only touch stay separate."""
    merged: list[Span] = []
    for start, end in sorted(span for spans in channels for span in spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def boundaries(speech: Sequence[Span], samples: int, *, part: int, alone: int) -> list[int]:
    """Positions, in samples, at which a recording is cut into parts: the first is 0, the last is its length.

    A cut is in the middle of a silence: after `part` samples the longest one within the next third of a part or, if
    there is none, the first one after that.

    Args:
        speech: spans in which any channel has speech.
        samples: the recording's length.
        part: the least length of a part, in samples.
        alone: the greatest length that stays one part, in samples.

    """
    cuts = [0]
    if samples <= alone:
        return [0, samples]
    gaps = [(after - before, (before + after) // 2) for (_, before), (after, _) in pairwise(speech)]
    while samples - cuts[-1] >= 2 * part:
        earliest = cuts[-1] + part
        later = [gap for gap in gaps if earliest <= gap[1] <= samples - part]
        if not later:
            break
        near = [gap for gap in later if gap[1] < earliest + part // 3] or later[:1]
        cuts.append(max(near, key=lambda gap: (gap[0], -gap[1]))[1])
    return [*cuts, samples]


def arrange(
    channels: Sequence[Sequence[Span]], cuts: Sequence[int]
) -> tuple[tuple[Clip, ...], tuple[PlannedPart, ...]]:
    """The clips in the order of time, none of which reaches over a cut, and the parts that hold them.

    Args:
        channels: the spans of speech of each channel that is decoded by itself.
        cuts: as from `boundaries`.

    """
    clips: list[Clip] = []
    parts: list[PlannedPart] = []
    for index, (start, end) in enumerate(pairwise(cuts)):
        packed = [
            (spans, channel)
            for channel, speech in enumerate(channels)
            for spans in pack([span for span in speech if start <= span[0] and span[1] <= end], start, end)
        ]
        first = len(clips)
        for spans, channel in sorted(packed):
            clips.append(Clip(len(clips), channel, spans))
        parts.append(PlannedPart(index, start, end, first, len(clips)))
    return tuple(clips), tuple(parts)
