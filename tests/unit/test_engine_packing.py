"""Clips and parts cover all speech, overlap nowhere, and fit their windows."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.transcript.quality import Remark
from services.gpu_worker.engine.audio.sound import RATE, Hearing, MediaInfo, Span
from services.gpu_worker.engine.plan.packing import CLIP_SAMPLES, GAP, PAD, arrange, boundaries, pack, union
from services.gpu_worker.engine.plan.plan import Clip, Plan
from services.gpu_worker.engine.plan.spans import WINDOW, Thresholds, speech_spans

LONGEST = CLIP_SAMPLES - 2 * PAD


@st.composite
def speech(draw: st.DrawFn) -> tuple[list[Span], int]:
    """Spans as the detector gives them, and the length of the recording."""
    spans: list[Span] = []
    position = draw(st.integers(0, 5 * RATE))
    for _ in range(draw(st.integers(0, 40))):
        length = draw(st.integers(WINDOW, LONGEST))
        spans.append((position, position + length))
        position += length + draw(st.sampled_from([0, WINDOW, GAP, GAP + 1, 3 * RATE, 90 * RATE]))
    return spans, position + draw(st.integers(0, RATE))


@given(speech())
def test_every_clip_fits_a_window_and_none_shares_a_sample(recording: tuple[list[Span], int]) -> None:
    spans, samples = recording
    pieces = [piece for clip in pack(spans, 0, samples) for piece in clip]
    assert all(sum(end - start for start, end in clip) <= CLIP_SAMPLES for clip in pack(spans, 0, samples))
    assert all(before[1] <= after[0] for before, after in pairwise(pieces))
    assert all(0 <= start < end <= samples for start, end in pieces)


@given(speech())
def test_no_speech_is_left_out_by_parts_and_clips(recording: tuple[list[Span], int]) -> None:
    spans, samples = recording
    cuts = boundaries(spans, samples, part=60 * RATE, alone=120 * RATE)
    clips, parts = arrange([spans], cuts)
    pieces = [piece for clip in clips for piece in clip.spans]
    assert all(
        any(start <= span[0] and span[1] <= end for start, end in pieces) or _joined(span, pieces) for span in spans
    )
    assert [part.first for part in parts] + [len(clips)] == [0, *(part.last for part in parts)]
    assert cuts[0] == 0
    assert cuts[-1] == samples
    assert all(after - before >= 60 * RATE for before, after in pairwise(cuts[:-1]))


def _joined(span: Span, pieces: list[Span]) -> bool:
    """Whether a span lies in pieces that touch, two clips having been cut where there was no pause."""
    inside = sorted(piece for piece in pieces if piece[0] < span[1] and span[0] < piece[1])
    touching = all(before[1] == after[0] for before, after in pairwise(inside))
    return bool(inside) and touching and inside[0][0] <= span[0] and span[1] <= inside[-1][1]


def test_a_recording_of_up_to_the_limit_stays_in_one_part() -> None:
    spans = [(start * RATE, (start + 2) * RATE) for start in range(0, 100, 4)]
    assert boundaries(spans, 100 * RATE, part=30 * RATE, alone=100 * RATE) == [0, 100 * RATE]
    assert len(boundaries(spans, 101 * RATE, part=30 * RATE, alone=100 * RATE)) == 4


def test_parts_are_cut_at_the_longest_silence_nearby() -> None:
    spans = [(0, 31 * RATE), (32 * RATE, 34 * RATE), (39 * RATE, 50 * RATE), (51 * RATE, 120 * RATE)]
    assert boundaries(spans, 120 * RATE, part=30 * RATE, alone=60 * RATE)[1] == 36.5 * RATE


def test_speech_of_both_channels_bars_a_cut() -> None:
    assert union([[(0, 10), (20, 30)], [(5, 22)]]) == [(0, 30)]
    assert union([[(0, 10), (10, 30)]]) == [(0, 10), (10, 30)]


def test_silence_alone_gives_one_empty_part() -> None:
    clips, parts = arrange([[]], boundaries([], 60 * RATE, part=RATE, alone=RATE))
    assert clips == ()
    assert [(part.start, part.end, part.clips) for part in parts] == [(0, 60 * RATE, range(0))]


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
    for index, spans in enumerate(pack(recording[0], 0, recording[1])):
        clip = Clip(index, 0, spans)
        words = [clip.place(start, end) for start, end in pairwise(sorted(moments))]
        assert all(any(first / RATE <= start <= end <= last / RATE for first, last in spans) for start, end in words)
        assert all(before[1] <= after[0] for before, after in pairwise(words))


def test_speech_without_a_pause_is_cut_where_it_is_least_likely() -> None:
    probabilities = [0.9] * 1500
    probabilities[700] = 0.6
    spans = speech_spans(probabilities, 1500 * WINDOW, Thresholds())
    assert spans[0] == (0, 700 * WINDOW)
    assert all(end - start <= LONGEST for start, end in spans)


def test_a_click_is_no_speech() -> None:
    assert speech_spans([0.0] * 20 + [0.9] * 2 + [0.0] * 20, 42 * WINDOW, Thresholds()) == []


def test_a_plan_survives_json() -> None:
    clips, parts = arrange([[(0, RATE)], [(2 * RATE, 3 * RATE)]], [0, 4 * RATE])
    source = MediaInfo("wav", "pcm_s16le", 8000, 2, 4.0)
    remarks = (Remark("truncated", "It ends early.", 3.5), Remark("channels_equal", "They are the same."))
    hearing = Hearing(separate=True, tracks=(1, 3))
    plan = Plan(4 * RATE, 2, "sv", 2 * RATE, clips, parts, source, 3.5, remarks, hearing, ((RATE, 90 * RATE),))
    assert Plan.from_json(plan.to_json()) == plan
