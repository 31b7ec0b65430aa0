"""From probabilities of speech to spans of speech. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.gpu_worker.engine.audio.sound import RATE, Span
from services.gpu_worker.engine.plan.packing import CLIP_SAMPLES, PAD

WINDOW = 512
"""Samples for which there is one probability."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When speech begins (`on`) and ends (`off`), as probabilities; lengths are in samples."""

    on: float = 0.5
    off: float = 0.35
    silence: int = 160 * RATE // 1000
    """A pause shorter than this does not end a span."""
    shortest: int = 96 * RATE // 1000
    """A run that is shorter than this is a click, not a word."""
    longest: int = CLIP_SAMPLES - 2 * PAD


def speech_spans(probabilities: Sequence[float], samples: int, thresholds: Thresholds) -> list[Span]:
    """Spans of speech in order, without overlap, none longer than `thresholds.longest`, and without padding.

    Args:
        probabilities: one for each `WINDOW` samples.
        samples: the recording's length.
        thresholds: when speech begins and ends.

    """
    runs = [run for run in _runs(probabilities, thresholds) if (run[1] - run[0]) * WINDOW >= thresholds.shortest]
    pieces = [piece for run in runs for piece in _split(run, probabilities, thresholds.longest // WINDOW)]
    return [(first * WINDOW, min(last * WINDOW, samples)) for first, last in pieces]


def _runs(probabilities: Sequence[float], thresholds: Thresholds) -> list[Span]:
    """Runs of windows with speech, by hysteresis: (first, one past the last)."""
    runs: list[Span] = []
    patience = thresholds.silence // WINDOW
    begun: int | None = None
    quiet: int | None = None
    for index, probability in enumerate(probabilities):
        if begun is None:
            begun = index if probability >= thresholds.on else None
        elif probability >= thresholds.on:
            quiet = None
        elif quiet is None:
            quiet = index if probability < thresholds.off else None
        elif index - quiet >= patience:
            runs.append((begun, quiet))
            begun = quiet = None
    if begun is not None:
        runs.append((begun, quiet if quiet is not None else len(probabilities)))
    return runs


def _split(run: Span, probabilities: Sequence[float], longest: int) -> list[Span]:
    """Cut a run that is too long where speech is least likely, in the second half of the allowed length."""
    first, last = run
    pieces = []
    while last - first > longest:
        cut = min(range(first + longest // 2, first + longest), key=lambda index: (probabilities[index], -index))
        pieces.append((first, cut))
        first = cut
    return [*pieces, (first, last)]
