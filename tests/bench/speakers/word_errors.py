"""How many recognised words have the wrong speaker's label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment

from tests.support.accuracy import plain


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word, and who said it; None if nobody is known."""

    text: str
    speaker: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordErrors:
    """Words that are in both texts, each in its place, and how many of them have the wrong label or none."""

    words: int
    matched: int
    wrong: int

    @property
    def rate(self) -> float:
        """Share of the matched words with the wrong speaker; 0 if none was matched."""
        return self.wrong / self.matched if self.matched else 0.0


def word_errors(truth: Sequence[SpokenWord], found: Sequence[SpokenWord]) -> WordErrors:
    """Align both texts, and count the labels of the words that are in both. Labels are mapped one to one, at best."""
    said, heard = _plain(truth), _plain(found)
    pairs = _matched(said, heard)
    speakers = {name: row for row, name in enumerate(dict.fromkeys(speaker for speaker, _ in pairs))}
    labels = {name: column for column, name in enumerate(dict.fromkeys(label for _, label in pairs if label))}
    together = np.zeros((len(speakers), len(labels)), np.int64)
    for speaker, label in pairs:
        if label is not None:
            together[speakers[speaker], labels[label]] += 1
    right = int(together[linear_sum_assignment(together, maximize=True)].sum())
    return WordErrors(words=len(said), matched=len(pairs), wrong=len(pairs) - right)


def _plain(words: Sequence[SpokenWord]) -> list[SpokenWord]:
    """Without case and punctuation; what holds several words counts as several."""
    return [SpokenWord(part, word.speaker) for word in words for part in plain(word.text).split()]


def _matched(said: Sequence[SpokenWord], heard: Sequence[SpokenWord]) -> list[tuple[str | None, str | None]]:
    """The speaker and the label of each word that is in both texts."""
    steps = Levenshtein.opcodes([word.text for word in said], [word.text for word in heard])
    return [
        (word.speaker, other.speaker)
        for step in steps
        if step.tag == "equal"
        for word, other in zip(said[step.src_start : step.src_end], heard[step.dest_start : step.dest_end], strict=True)
    ]
