"""Splits a sentence where its speaker really changes: words may be wrong, a sentence is seldom. Pure.

A word's speaker comes from the times of words and of turns, and both are a little wrong. So a word or two at a turn's
edge, or where another hums in between, are given to the wrong speaker. Where punctuation is missing, on the other hand,
the words of two people are one "sentence".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise, zip_longest

from services.common.transcript.words import Word

MOST_STRAY_WORDS, LONGEST_STRAY = 2, 0.7
"""Words and seconds within what another says that may have a wrong speaker. Elsewhere, where a sentence begins or ends
or the speaker changes, it is one word: what is short there is more often an answer."""
PAUSE = 0.25
"""Seconds of silence at which speakers may change: within what one says, most pauses are shorter."""
_COMMAS = (",", ";", ":", "-")


def spoken_by_one(sentence: Sequence[Word]) -> Iterator[tuple[Word, ...]]:
    """The parts of a sentence that one speaker each says, in order; of words of one channel.

    Unknown words take the speaker beside them, and stray ones the longer of the speakers beside them. A part ends at a
    pause or a comma if there is one a word before or after the place where the speaker changes. Only if no word's
    speaker is known, it is not known who says the sentence.
    """
    known = [run for run in _runs(sentence) if run[0].speaker is not None]
    if len({run[0].speaker for run in known}) < 2:  # noqa: PLR2004 - one speaker needs no cut
        yield _said(sentence, known[0][0].speaker if known else None)
        return
    runs = _settled(_runs(_filled(sentence)))
    yield from (_said(run, run[0].speaker) for run in _cut_well(runs))


def _runs(words: Sequence[Word]) -> list[list[Word]]:
    return [list(run) for _, run in groupby(words, lambda word: word.speaker)]


def _said(words: Sequence[Word], speaker: int | None) -> tuple[Word, ...]:
    return tuple(word if word.speaker == speaker else replace(word, speaker=speaker) for word in words)


def _seconds(words: Sequence[Word]) -> float:
    return words[-1].end - words[0].start


def _filled(sentence: Sequence[Word]) -> list[Word]:
    """The same words, the unknown ones with the speaker who is nearest in time, before or after them."""
    filled: list[Word] = []
    runs = _runs(sentence)
    for index, run in enumerate(runs):
        if run[0].speaker is None:
            before, after = filled[-1] if filled else None, runs[index + 1][0] if index + 1 < len(runs) else None
            filled.extend(replace(word, speaker=_nearer(word, before, after)) for word in run)
        else:
            filled.extend(run)
    return filled


def _nearer(word: Word, before: Word | None, after: Word | None) -> int | None:
    if before is None or (after is not None and after.start - word.end < word.start - before.end):
        return after.speaker if after else None
    return before.speaker


def _settled(runs: Sequence[list[Word]]) -> list[list[Word]]:
    """The runs without stray ones, which become a part of the longer run beside them."""
    stray = [_is_stray(runs, index) for index in range(len(runs))]
    firm = [index for index, is_stray in enumerate(stray) if not is_stray]
    if not firm:
        # Nobody says enough to be believed alone: the sentence is whoever's it is for the longest time.
        return [list(_said([word for run in runs for word in run], _majority(runs)))]
    settled: list[Word] = []
    for index, run in enumerate(runs):
        taken = max(_around(firm, index), key=lambda other: _seconds(runs[other])) if stray[index] else index
        settled.extend(_said(run, runs[taken][0].speaker))
    return _runs(settled)


def _is_stray(runs: Sequence[list[Word]], index: int) -> bool:
    """Whether a run is too short to be believed, and no pauses set it apart from what is said before and after it."""
    run, beside = runs[index], runs[max(index - 1, 0) : index + 2]
    within = len(beside) == 3 and beside[0][0].speaker == beside[2][0].speaker  # noqa: PLR2004 - one on each side
    if len(run) > (MOST_STRAY_WORDS if within else 1) or _seconds(run) >= LONGEST_STRAY:
        return False
    return any(later[0].start - earlier[-1].end < PAUSE for earlier, later in pairwise(beside))


def _around(firm: Sequence[int], index: int) -> Sequence[int]:
    """The last of the ordered numbers before `index` and the first one from it on, as far as there are any."""
    place = bisect_left(firm, index)
    return firm[max(place - 1, 0) : place + 1]


def _majority(runs: Sequence[Sequence[Word]]) -> int | None:
    """The speaker who speaks longest; of equal ones the one who begins."""
    seconds: dict[int | None, float] = {}
    for run in runs:
        seconds[run[0].speaker] = seconds.get(run[0].speaker, 0.0) + _seconds(run)
    return max(seconds, key=seconds.__getitem__)


def _cut_well(runs: Sequence[list[Word]]) -> Iterator[list[Word]]:
    """The runs, as many as before: each ends at a pause or comma near by, if there is one, and is its speaker's."""
    words = [word for run in runs for word in run]
    begun = after = 0
    for run, following in zip_longest(runs, runs[1:]):
        after += len(run)
        end = _good_end(words, after, begun + 1, after + len(following) - 1) if following else after
        yield list(_said(words[begun:end], run[0].speaker))
        begun = end


def _good_end(words: Sequence[Word], end: int, earliest: int, latest: int) -> int:
    """The best place to cut near `end`, between two others."""

    def is_good(place: int) -> bool:
        moved = words[min(place, end) : max(place, end)]
        if moved and _seconds(moved) >= LONGEST_STRAY:
            return False
        return _pause(words, place) >= PAUSE or words[place - 1].text.rstrip().endswith(_COMMAS)

    near = range(max(earliest, end - 1), min(latest, end + 1) + 1)
    good = filter(is_good, near)
    return min(good, key=lambda place: (abs(place - end), -_pause(words, place)), default=end)


def _pause(words: Sequence[Word], place: int) -> float:
    return words[place].start - words[place - 1].end
