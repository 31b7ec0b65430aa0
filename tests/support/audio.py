"""The recordings that ship with the project, and how a text is held against what was said."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

from rapidfuzz.distance import Levenshtein

MEETING = Path(__file__).parents[2] / "examples" / "audio" / "meeting.mp3"
DIALOGUE = MEETING.with_name("dialogue.mp3")
"""Three people for fifty seconds; who speaks when is in the RTTM file beside it."""


def sentences() -> list[str]:
    """What is said in the meeting, sentence by sentence."""
    return [entry["text"] for entry in json.loads(MEETING.with_suffix(".json").read_text("utf-8"))]


def plain(text: str) -> str:
    """Lower case, letters and single spaces only."""
    return " ".join(re.sub(r"[^a-zåäöé0-9]+", " ", text.lower()).split())


def error_rate(text: str, reference: str) -> float:
    """Character error rate: edits per character of the reference."""
    return Levenshtein.distance(plain(text), plain(reference)) / len(plain(reference))


def recognisable(sentence: str, text: str) -> float:
    """The smallest error rate of a sentence against any stretch of the text of its length."""
    wanted, words = plain(sentence), plain(text).split()
    count = len(wanted.split())
    stretches = (
        " ".join(words[start : start + length])
        for length in range(max(1, count - 3), count + 4)
        for start in range(max(1, len(words) - length + 1))
    )
    return min(Levenshtein.distance(wanted, stretch) / len(wanted) for stretch in stretches)


def rising(times: list[float]) -> bool:
    return all(earlier <= later for earlier, later in pairwise(times))
