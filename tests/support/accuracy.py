"""How close a text comes to what was said."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import jiwer
from rapidfuzz.distance import Levenshtein

MEETING = Path("examples/audio/meeting.mp3")
SENTENCES: list[str] = [entry["text"] for entry in json.loads(MEETING.with_suffix(".json").read_text())]


def plain(text: str) -> str:
    """Lower case, letters and digits only, single spaces: spelling counts, punctuation does not."""
    return " ".join(re.sub(r"[^\w\s]", " ", text.casefold()).split())


def character_error_rate(text: str, reference: str) -> float:
    """Edits a character of the reference."""
    return float(jiwer.cer(plain(reference), plain(text)))


def words_found(text: str, reference: str) -> float:
    """Share of the reference's words that are in the text, each in its place."""
    out = jiwer.process_words(plain(reference), plain(text) or "-")
    return out.hits / (out.hits + out.substitutions + out.deletions)


def sentences_found(text: str, sentences: Sequence[str], *, share: float = 0.5) -> int:
    """How many sentences have at least this share of their characters, in order, somewhere in the text."""
    heard = plain(text)
    return sum(_best_share(plain(sentence), heard) >= share for sentence in sentences)


def _best_share(sentence: str, heard: str) -> float:
    """One less the least error rate over the windows of the text that are as long as the sentence."""
    length = len(sentence)
    starts = range(0, max(len(heard) - length, 0) + 1, 4)
    return max(1 - Levenshtein.distance(sentence, heard[start : start + length]) / length for start in starts)
