"""Finds the places of a recording that are worth hearing again. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

from services.common.transcript.quality import DOUBTFUL
from services.common.transcript.transcript import Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtfulPlace:
    """Some consecutive words; `start` is in seconds, `confidence` is their mean probability, from 0 to 1."""

    start: float
    text: str
    confidence: float


def doubtful_places(transcript: Transcript) -> Iterator[DoubtfulPlace]:
    """The doubtful places in order: doubtful or flagged segments as a whole, and doubtful words of other segments."""
    for segment in transcript.segments:
        if segment.flags or segment.confidence < DOUBTFUL:
            yield DoubtfulPlace(start=segment.start, text=segment.text, confidence=segment.confidence)
            continue
        for doubtful, words in groupby(segment.words, lambda word: word.probability < DOUBTFUL):
            if doubtful:
                place = tuple(words)
                yield DoubtfulPlace(
                    start=place[0].start,
                    text="".join(word.text for word in place).strip(),
                    confidence=fmean(word.probability for word in place),
                )
