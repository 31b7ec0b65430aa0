"""Clips hold all speech, overlap nowhere, fit their windows, and are decided as the sound comes."""

from __future__ import annotations

import pickle
import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.transcript.quality import Remark
from services.gpu_worker.engine.audio.sound import RATE, Hearing, MediaInfo, Span
from services.gpu_worker.engine.plan import packing
from services.gpu_worker.engine.plan.packing import (
    CLIP_SAMPLES,
    GAP,
    PAD,
    REACH,
    UNDECIDED,
    Packer,
    clip_cost,
    cut_cost,
)
from services.gpu_worker.engine.plan.parts import parts
from services.gpu_worker.engine.plan.plan import Clip, Plan
from services.gpu_worker.engine.plan.spans import WINDOW

LONGEST = CLIP_SAMPLES - 2 * PAD
Clips = list[tuple[Span, ...]]


@st.composite
def speech(draw: st.DrawFn) -> tuple[list[Span], int]:
    """Spans as the detector gives them, and the length of the recording."""
    spans: list[Span] = []
    position = draw(st.integers(0, 5 * RATE))
    lengths = st.one_of(st.integers(WINDOW, LONGEST), st.integers(WINDOW, 3 * RATE))
    for _ in range(draw(st.integers(0, 40))):
        length = draw(lengths)
        spans.append((position, position + length))
        position += length + draw(st.sampled_from([0, WINDOW, GAP, GAP + 1, 3 * RATE, 90 * RATE]))
    return spans, position + draw(st.integers(0, RATE))


def pack(speech: Sequence[Span], samples: int) -> Clips:
    """The clips of a recording whose spans are all known."""
    packer = Packer()
    return [*packer.push(speech, samples), *packer.finish(samples)]


def groups(clips: Clips, speech: Sequence[Span]) -> list[int]:
    """How many spans begin in each clip."""
    ends = [0, *(clip[-1][1] for clip in clips)]
    return [sum(before <= start < end for start, _ in speech) for before, end in pairwise(ends)]


def cheapest(speech: Sequence[Span]) -> list[int]:
    """How many spans each clip has in the cheapest of all packings."""
    return [last - first for first, last in pairwise(Packings(speech).path(len(speech)))]


class Packings:
    """The cheapest packings of all spans before each place, by dynamic programming over the whole of them."""

    def __init__(self, speech: Sequence[Span]) -> None:
        self.gaps = [after - before for (_, before), (after, _) in pairwise(speech)]
        self.offsets = [0]
        for (start, end), gap in zip(speech, [*self.gaps, 0], strict=False):
            self.offsets.append(self.offsets[-1] + end - start + min(gap, GAP))
        self.best = [(0, 0)]
        for last in range(1, len(speech) + 1):
            cost, origin = min(
                (self.best[first][0] + clip_cost(length), -first) for first, length in self.fitting(last)
            )
            pause = self.gaps[last - 1] if last < len(speech) else None
            self.best.append((cost + (0 if pause is None else cut_cost(pause)), -origin))

    def fitting(self, last: int) -> list[tuple[int, int]]:
        """The places where a clip may begin that ends at this one, and the samples of its audio."""
        gap = self.gaps[last - 1] if last <= len(self.gaps) else 0
        lengths = [
            (first, self.offsets[last] - min(gap, GAP) - self.offsets[first] + 2 * PAD)
            for first in range(max(last - 200, 0), last)
        ]
        return [(first, length) for first, length in lengths if length <= CLIP_SAMPLES or first == last - 1]

    def path(self, last: int) -> list[int]:
        path = [last]
        while path[-1]:
            path.append(self.best[path[-1]][1])
        return path[::-1]

    def rate(self, place: int) -> float:
        return self.best[place][0] / self.offsets[place]


def with_a_limit(speech: Sequence[Span], most: int) -> list[int]:
    """How many spans each clip has, if the packings of what is undecided are looked for anew with each span."""
    counts: list[int] = []
    for known in range(1, len(speech) + 1):
        while True:
            undecided = Packings(speech[sum(counts) : known])
            count = len(undecided.offsets) - 1
            open_places = [first for first, _ in undecided.fitting(count)]
            paths = [undecided.path(place) for place in open_places]
            shared = [place for place in paths[0] if all(place in path for path in paths)]
            if shared == [0] and undecided.offsets[-1] > most:
                shared = undecided.path(min(open_places, key=undecided.rate))[:2]
            if shared == [0]:
                break
            counts += [last - first for first, last in pairwise(shared)]
    return [*counts, *cheapest(speech[sum(counts) :])]


Manner = tuple[tuple[float, float], tuple[float, float]]
"""Of the logarithms of a talk's spans and pauses, in seconds: mean and deviation."""


def talk(seed: int, hours: float, manner: Manner) -> tuple[list[Span], int]:
    """Spans as they may be in a long recording, and its length."""
    length, pause = manner
    chance = random.Random(seed)
    spans: list[Span] = []
    position = 0
    while position < hours * 3600 * RATE:
        end = position + min(int(chance.lognormvariate(*length) * RATE) + WINDOW, LONGEST)
        spans.append((position, end))
        position = end + max(int(chance.lognormvariate(*pause) * RATE), 5 * WINDOW)
    return spans, position


TALKS: dict[str, Manner] = {
    "fluent": ((0.7, 0.8), (-0.7, 0.8)),
    "without a long pause": ((0.5, 0.5), (-1.3, 0.3)),
    "slow": ((0.7, 0.8), (1.0, 1.0)),
    "dictation": ((1.6, 0.5), (3.0, 0.2)),
}


@settings(deadline=None)
@given(st.one_of(speech(), st.builds(talk, st.integers(), st.just(0.1), st.sampled_from(list(TALKS.values())))))
def test_every_clip_fits_a_window_and_none_shares_a_sample(recording: tuple[list[Span], int]) -> None:
    clips = pack(*recording)
    pieces = [piece for clip in clips for piece in clip]
    assert all(sum(end - start for start, end in clip) <= CLIP_SAMPLES for clip in clips)
    assert all(before[1] <= after[0] for before, after in pairwise(pieces))
    assert all(0 <= start < end <= recording[1] for start, end in pieces)


@given(speech())
def test_no_clip_of_several_spans_reaches_over_more_than_three_minutes(recording: tuple[list[Span], int]) -> None:
    clips = pack(*recording)
    several = [clip for clip, count in zip(clips, groups(clips, recording[0]), strict=True) if count > 1]
    assert all(clip[-1][1] - clip[0][0] <= REACH + 2 * PAD for clip in several)


@given(speech())
def test_no_speech_is_left_out(recording: tuple[list[Span], int]) -> None:
    spans, _ = recording
    pieces = [piece for clip in pack(*recording) for piece in clip]
    assert all(
        any(start <= span[0] and span[1] <= end for start, end in pieces) or _joined(span, pieces) for span in spans
    )


def _joined(span: Span, pieces: list[Span]) -> bool:
    """Whether a span lies in pieces that touch, two clips having been cut where there was no pause."""
    inside = sorted(piece for piece in pieces if piece[0] < span[1] and span[0] < piece[1])
    touching = all(before[1] == after[0] for before, after in pairwise(inside))
    return bool(inside) and touching and inside[0][0] <= span[0] and span[1] <= inside[-1][1]


@given(speech())
def test_without_limits_the_packing_is_the_cheapest_of_all(recording: tuple[list[Span], int]) -> None:
    spans, samples = recording
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "REACH", samples)
        patch.setattr(packing, "UNDECIDED", samples)
        patch.setattr(packing, "FIRST_UNDECIDED", samples)
        assert groups(pack(spans, samples), spans) == cheapest(spans)


@settings(max_examples=50, deadline=None)
@given(speech(), st.integers(40, 80))
def test_packings_that_were_given_up_count_no_more(recording: tuple[list[Span], int], most: int) -> None:
    spans, samples = recording
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "REACH", samples)
        patch.setattr(packing, "UNDECIDED", most * RATE)
        patch.setattr(packing, "FIRST_UNDECIDED", most * RATE)
        assert groups(pack(spans, samples), spans) == with_a_limit(spans, most * RATE)


@given(speech(), st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1)), max_size=40))
def test_clips_do_not_depend_on_how_the_spans_come(
    recording: tuple[list[Span], int], steps: list[tuple[int, float]]
) -> None:
    spans, samples = recording
    packer = Packer()
    clips: Clips = []
    left = spans
    settled = known = 0
    for size, share in [*steps, (len(spans), 1.0)]:
        known = max([known, *(end for _, end in left[:size])])
        upcoming = left[size][0] if len(left) > size else samples
        known += int(share * (upcoming - known))
        new = packer.push(left[:size], known)
        assert all(clip[0][0] >= settled for clip in new)
        settled = packer.settled
        clips += new
        left = left[size:]
    last = packer.finish(samples)
    assert all(clip[0][0] >= settled for clip in last)
    assert [*clips, *last] == pack(spans, samples)


@given(speech())
def test_in_a_long_silence_every_clip_is_decided(recording: tuple[list[Span], int]) -> None:
    spans, samples = recording
    packer = Packer()
    clips = packer.push(spans, samples + REACH)
    assert packer.settled >= samples + REACH - PAD
    assert packer.finish(samples + REACH) == []
    assert sum(groups(clips, spans)) == len(spans)


@pytest.mark.parametrize("manner", TALKS)
def test_little_speech_waits_for_a_decision_and_little_memory_is_taken(manner: str) -> None:
    spans, _ = talk(1, 1.0, TALKS[manner])
    packer = Packer()
    largest = 0
    for number, span in enumerate(spans):
        packer.push([span], span[1])
        waiting = [end - start for start, end in spans[max(number - 400, 0) : number + 1] if end > packer.settled]
        assert sum(waiting) <= UNDECIDED
        largest = max(largest, len(pickle.dumps(packer)))
    assert largest < 20_000


@pytest.mark.parametrize("manner", ["fluent", "without a long pause"])
def test_the_first_clip_is_decided_behind_little_more_than_a_minute_of_speech(manner: str) -> None:
    spans, _ = talk(2, 0.1, TALKS[manner])
    packer = Packer()
    clips = [packer.push([span], span[1]) for span in spans]
    number = next(index for index, found in enumerate(clips) if found)
    assert sum(end - start for start, end in spans[:number]) <= 65 * RATE


@pytest.mark.parametrize("manner", TALKS)
def test_deciding_early_makes_at_most_2_percent_more_clips(manner: str) -> None:
    recordings = [talk(seed, 2.0, TALKS[manner]) for seed in range(2)]
    clips = sum(len(pack(*recording)) for recording in recordings)
    assert clips <= 1.02 * sum(len(cheapest(spans)) for spans, _ in recordings)


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ((0.5, 1.5), (10.5, 11.5)),
        ((2.0, 2.5), (20.0, 20.5)),
        ((1.5, 2.9), (20.0, 20.9)),
        ((1.0, 2.5), (11.0, 12.0)),
        ((1.5, 2.5), (11.5, 12.0)),  # as much of it in either
        ((1.5, 4.5), (20.0, 22.0)),  # all of the one between, and a little of those beside it
        ((1.5, 1.5), (11.5, 11.5)),
        ((2.0, 2.0), (12.0, 12.0)),
        ((4.5, 9.0), (30.5, 31.0)),
        ((5.5, 9.0), (31.0, 31.0)),
    ],
)
def test_a_word_lies_in_the_span_that_holds_most_of_it(heard: tuple[float, float], said: tuple[float, float]) -> None:
    spans = ((10 * RATE, 12 * RATE), (20 * RATE, 22 * RATE), (30 * RATE, 31 * RATE))
    assert Clip(0, 0, spans).place(*heard) == said


@given(speech(), st.lists(st.floats(0, 40), min_size=2, max_size=40))
def test_no_word_is_stretched_over_a_silence_that_was_cut_out(
    recording: tuple[list[Span], int], moments: list[float]
) -> None:
    for index, spans in enumerate(pack(*recording)):
        clip = Clip(index, 0, spans)
        words = [clip.place(start, end) for start, end in pairwise(sorted(moments))]
        assert all(any(first / RATE <= start <= end <= last / RATE for first, last in spans) for start, end in words)
        assert all(before[1] <= after[0] for before, after in pairwise(words))


def test_a_plan_survives_json() -> None:
    clips = (Clip(0, 0, ((0, RATE),)), Clip(1, 1, ((2 * RATE, 3 * RATE),)))
    cut = parts(clips, 4 * RATE, part=RATE, alone=RATE)
    source = MediaInfo("wav", "pcm_s16le", 8000, 2, 4.0)
    remarks = (Remark("truncated", "It ends early.", 3.5), Remark("channels_equal", "They are the same."))
    hearing = Hearing(separate=True, tracks=(1, 3))
    plan = Plan(4 * RATE, 2, "sv", 2 * RATE, clips, cut, source, 3.5, remarks, hearing, ((RATE, 90 * RATE),))
    assert Plan.from_json(plan.to_json()) == plan
