"""Splits words into sentences, at punctuation and at pauses. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.common.transcript.words import Word

LONGEST_PAUSE = 1.5
"""Seconds of silence that end a segment without punctuation."""
LONGEST_SEGMENT = 20.0
"""Seconds after which a segment is cut at its best place."""
ENDS = (".", "!", "?", "…")
ABBREVIATIONS = frozenset(
    {"t.ex.", "bl.a.", "d.v.s.", "dvs.", "m.m.", "kl.", "nr.", "s.k.", "ca.", "dr.", "o.s.v.", "f.d."}
)


def sentences(words: Sequence[Word]) -> Iterator[tuple[Word, ...]]:
    """Split words, which are in order of time, into sentences of `LONGEST_SEGMENT` at most."""
    current: list[Word] = []
    for word in words:
        if current and word.start - current[-1].end > LONGEST_PAUSE:
            yield from _shortened(current)
            current = []
        current.append(word)
        if _ends_sentence(word.text):
            yield from _shortened(current)
            current = []
    if current:
        yield from _shortened(current)


def _ends_sentence(text: str) -> bool:
    bare = text.strip().rstrip("\"'”»)")
    return bare.endswith(ENDS) and bare.casefold() not in ABBREVIATIONS


def _shortened(words: Sequence[Word]) -> Iterator[tuple[Word, ...]]:
    """Split a sentence that is too long, at a comma or a long pause near its middle."""
    length = words[-1].end - words[0].start
    if length <= LONGEST_SEGMENT or len(words) < 2:  # noqa: PLR2004 - one word cannot be split
        yield tuple(words)
        return
    middle = words[0].start + length / 2

    def merit(index: int) -> float:
        pause = words[index].start - words[index - 1].end
        comma = 1.0 if words[index - 1].text.rstrip().endswith((",", ";", ":")) else 0.0
        return comma + pause - abs(words[index].start - middle) / length

    cut = max(range(1, len(words)), key=merit)
    yield from _shortened(words[:cut])
    yield from _shortened(words[cut:])
