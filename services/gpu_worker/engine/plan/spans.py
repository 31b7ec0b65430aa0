"""From probabilities of speech to spans of speech, as they come. Pure."""

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
    """A run that is longer than this is cut. It must not be less than `shortest`."""


class SpanFinder:
    """Spans of speech in order, without overlap, none longer than `thresholds.longest`, and without padding.

    Hysteresis gives runs of speech. A run that becomes too long is cut where speech is least likely, in the second half
    of the allowed length. Only the probabilities since the last cut are kept.
    """

    def __init__(self, thresholds: Thresholds = Thresholds()) -> None:
        self._thresholds = thresholds
        self._window = 0
        """The next window."""
        self._begun: int | None = None
        """The first window of the run that goes on."""
        self._quiet: int | None = None
        """Where this run ends, if the pause that has begun lasts long enough."""
        self._cut = 0
        """The first window of what is left of this run."""
        self._left: list[float] = []
        """The probabilities from there on."""

    @property
    def settled(self) -> int:
        """No span that is still to come begins before this sample."""
        return (self._window if self._begun is None else self._cut) * WINDOW

    def push(self, probabilities: Sequence[float]) -> list[Span]:
        """The spans that are final with these next probabilities, one for each `WINDOW` samples."""
        return [span for probability in probabilities for span in self._next(probability)]

    def finish(self, samples: int) -> list[Span]:
        """The spans that are left at the end of a recording of so many samples."""
        return [(start, min(end, samples)) for start, end in self._ended()]

    def _next(self, probability: float) -> list[Span]:
        window, self._window = self._window, self._window + 1
        if self._begun is None:
            if probability < self._thresholds.on:
                return []
            self._begun = self._cut = window
        elif probability >= self._thresholds.on:
            self._quiet = None
        elif self._quiet is None:
            self._quiet = window if probability < self._thresholds.off else None
        elif window - self._quiet >= self._thresholds.silence // WINDOW:
            return self._ended()
        self._left.append(probability)
        return self._pieces()

    def _pieces(self) -> list[Span]:
        """Cut what is left of the run until it is short enough, without the pause that may be its end."""
        longest = self._thresholds.longest // WINDOW
        last = self._window if self._quiet is None else self._quiet
        pieces = []
        while last - self._cut > longest:
            length = min(range(longest // 2, longest), key=lambda index: (self._left[index], -index))
            pieces.append((self._cut * WINDOW, (self._cut + length) * WINDOW))
            self._cut += length
            del self._left[:length]
        return pieces

    def _ended(self) -> list[Span]:
        """What is left of the run, unless all of it was shorter than a word."""
        if self._begun is None:
            return []
        last = self._window if self._quiet is None else self._quiet
        spans = [(self._cut * WINDOW, last * WINDOW)]
        if (last - self._begun) * WINDOW < self._thresholds.shortest:
            spans = []
        self._begun = self._quiet = None
        self._left.clear()
        return spans


def speech_spans(probabilities: Sequence[float], samples: int, thresholds: Thresholds) -> list[Span]:
    """The spans of a recording whose probabilities are all known; `samples` is its length."""
    finder = SpanFinder(thresholds)
    return [*finder.push(probabilities), *finder.finish(samples)]
