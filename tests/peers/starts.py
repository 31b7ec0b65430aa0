"""How far the times that a contestant gives are from those at which sentences begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein

from tests.peers.heard import Unit
from tests.support.accuracy import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One that is spoken."""

    start: float
    """In seconds from the recording's beginning."""
    text: str


def start_errors(units: Sequence[Unit], sentences: Sequence[Sentence]) -> list[float]:
    """Milliseconds between a sentence's beginning and the start of the unit that has its first word.

    A sentence of whose first word nothing was heard gives none. What was heard and what was said are laid against each
    other letter by letter, with the fewest edits. The unit that has most letters of a word has the word.
    """
    heard, owners = _letters([plain(unit.text) for unit in units])
    said, places = _letters([plain(sentence.text) for sentence in sentences])
    first_of: dict[int, Counter[int]] = {}
    first_words = _first_words(sentences, places)
    for here, there in _pairs(said, heard):
        if here in first_words and owners[there] >= 0:
            first_of.setdefault(first_words[here], Counter())[owners[there]] += 1
    return [
        abs(units[first_of[index].most_common(1)[0][0]].start - sentence.start) * 1000
        for index, sentence in enumerate(sentences)
        if index in first_of
    ]


def median_and_ninetieth(errors: Sequence[float]) -> tuple[float, float]:
    """The error that half of the sentences stay under, and the one that nine in ten stay under; NaN without any."""
    middle, high = np.percentile(errors, [50, 90]) if errors else (np.nan, np.nan)
    return float(middle), float(high)


def _letters(texts: Sequence[str]) -> tuple[str, list[int]]:
    """The texts with a space between each two, and for each letter the index of its text; -1 for these spaces."""
    whole, owners = "", []
    for index, text in enumerate(texts):
        whole += f"{text} "
        owners += [index] * len(text) + [-1]
    return whole, owners


def _first_words(sentences: Sequence[Sentence], places: Sequence[int]) -> dict[int, int]:
    """For each letter of a sentence's first word, by its place in the whole text, the sentence's index."""
    return {
        places.index(index) + letter: index
        for index, sentence in enumerate(sentences)
        for letter in range(len(plain(sentence.text).split()[0]))
    }


def _pairs(said: str, heard: str) -> Iterator[tuple[int, int]]:
    """Places of letters that are the same in both, in order."""
    for edit in Levenshtein.opcodes(said, heard):
        if edit.tag == "equal":
            yield from zip(range(edit.src_start, edit.src_end), range(edit.dest_start, edit.dest_end), strict=True)
