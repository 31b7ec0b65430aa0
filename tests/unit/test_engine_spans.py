"""Spans of speech are found as the probabilities come, and are the same as if all were known."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.gpu_worker.engine.audio.sound import Span
from services.gpu_worker.engine.plan.spans import WINDOW, SpanFinder, Thresholds, speech_spans

LONGEST = Thresholds().longest
SMALL = Thresholds(silence=3 * WINDOW, shortest=2 * WINDOW, longest=12 * WINDOW)
"""So that short lists of probabilities have everything that may happen."""

PROBABILITIES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.9]), st.integers(1, 9)).map(lambda run: [run[0]] * run[1]),
    max_size=30,
).map(lambda runs: [probability for run in runs for probability in run])
SIZES = st.lists(st.integers(0, 12), max_size=60)


def all_at_once(probabilities: Sequence[float], samples: int, thresholds: Thresholds) -> list[Span]:
    """The definition, which needs all probabilities: runs by hysteresis, of which long ones are cut."""
    pieces = []
    for first, last in _runs(probabilities, thresholds):
        begun, longest = first, thresholds.longest // WINDOW
        if (last - first) * WINDOW < thresholds.shortest:
            continue
        while last - begun > longest:
            cut = min(range(begun + longest // 2, begun + longest), key=lambda index: (probabilities[index], -index))
            pieces.append((begun, cut))
            begun = cut
        pieces.append((begun, last))
    return [(first * WINDOW, min(last * WINDOW, samples)) for first, last in pieces]


def _runs(probabilities: Sequence[float], thresholds: Thresholds) -> list[Span]:
    runs: list[Span] = []
    begun: int | None = None
    quiet: int | None = None
    for index, probability in enumerate(probabilities):
        if begun is None:
            begun = index if probability >= thresholds.on else None
        elif probability >= thresholds.on:
            quiet = None
        elif quiet is None:
            quiet = index if probability < thresholds.off else None
        elif index - quiet >= thresholds.silence // WINDOW:
            runs.append((begun, quiet))
            begun = quiet = None
    if begun is not None:
        runs.append((begun, quiet if quiet is not None else len(probabilities)))
    return runs


@given(PROBABILITIES, SIZES, st.integers(0, WINDOW - 1))
def test_spans_are_the_same_however_the_probabilities_come(
    probabilities: list[float], sizes: list[int], missing: int
) -> None:
    samples = max(len(probabilities) * WINDOW - missing, 0)
    finder = SpanFinder(SMALL)
    spans, left = [], probabilities
    for size in [*sizes, len(probabilities)]:
        settled = finder.settled
        new = finder.push(left[:size])
        assert all(start >= settled for start, _ in new)
        spans += new
        left = left[size:]
    settled = finder.settled
    last = finder.finish(samples)
    assert all(start >= settled for start, _ in last)
    assert [*spans, *last] == all_at_once(probabilities, samples, SMALL)


@given(PROBABILITIES)
def test_a_span_is_given_as_soon_as_nothing_that_follows_can_change_it(probabilities: list[float]) -> None:
    given_now = SpanFinder(SMALL).push(probabilities)
    endings: list[list[float]] = [[], [0.0] * 20, [0.9] * 40, [*[0.0] * 3, *[0.9] * 40]]
    possible = [
        all_at_once([*probabilities, *ending], (len(probabilities) + len(ending)) * WINDOW, SMALL) for ending in endings
    ]
    certain = [spans[0] for spans in zip(*possible, strict=False) if len(set(spans)) == 1]
    assert given_now == certain[: len(given_now)]
    assert all(end > (len(probabilities) - 4) * WINDOW for _, end in certain[len(given_now) :])


def test_speech_without_a_pause_is_cut_where_it_is_least_likely() -> None:
    probabilities = [0.9] * 1500
    probabilities[700] = 0.6
    spans = speech_spans(probabilities, 1500 * WINDOW, Thresholds())
    assert spans[0] == (0, 700 * WINDOW)
    assert all(end - start <= LONGEST for start, end in spans)


def test_a_run_is_cut_as_soon_as_it_is_too_long() -> None:
    finder = SpanFinder()
    assert finder.push([0.9] * (LONGEST // WINDOW)) == []
    assert len(finder.push([0.9])) == 1


def test_what_is_left_of_a_run_that_was_cut_is_kept_however_short_it_is() -> None:
    thresholds = replace(SMALL, shortest=5 * WINDOW)
    probabilities = [*[0.9] * 11, 0.6, *[0.9]]
    assert speech_spans(probabilities, 13 * WINDOW, thresholds) == [(0, 11 * WINDOW), (11 * WINDOW, 13 * WINDOW)]


def test_a_click_is_no_speech() -> None:
    assert speech_spans([0.0] * 20 + [0.9] * 2 + [0.0] * 20, 42 * WINDOW, Thresholds()) == []


def test_an_hour_without_a_pause_takes_no_more_memory_than_a_minute() -> None:
    finder = SpanFinder()
    finder.push([0.9] * 2000)
    after_a_minute = len(pickle.dumps(finder))
    finder.push([0.9] * 110_000)
    assert len(pickle.dumps(finder)) < after_a_minute + 10_000
