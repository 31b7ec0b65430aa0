"""Turns segments into subtitles that fit the screen and are shown long enough to be read. Pure."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations, pairwise, zip_longest

from services.common.transcript.transcript import Transcript
from services.common.transcript.words import Word

LINE_CHARACTERS, MOST_LINES = 42, 2
"""The room on screen: the longest line, with its speaker's name, and the most lines of a cue. Only a single word that
is longer than all lines together has more."""
READING_SPEED = 17.0
"""Characters a second that an adult reads with ease."""
SHORTEST, LONGEST = 1.0, 7.0
"""Seconds on screen."""
GAP = 0.08
"""Seconds between two cues: two frames, so that the eye sees the change."""
TICK = 0.001
"""The shortest time that the formats can write, in seconds: readers may leave out a cue that takes none."""
_CUT = "…"
_JOINER = "\N{ZERO WIDTH JOINER}"
_JOINED = {"Mn", "Me", "Mc", "Cf", "Sk"}
"""Categories of characters that are a part of the one before them: accents, and what joins and colours emoji."""


NAME_CHARACTERS = 20
"""The longest name that is shown whole in front of a cue: with its colon it takes half of a line."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle, of one speaker; times are in seconds."""

    start: float
    end: float
    lines: tuple[str, ...]
    speaker: str = ""
    """The speaker's name, if it is to be shown."""
    shown: str = ""
    """The name as it fits in front of the lines, which leave room for it and a colon."""


def cues(transcript: Transcript) -> list[Cue]:
    """The subtitles of a transcript, in order. Those of the same channel do not overlap.

    Only words that a person put where there is no time between two others share a millisecond with what follows.
    """
    found: list[Cue] = []
    shown = {"": "", **fitting_names(transcript.speakers)}
    for channel in sorted({segment.channel for segment in transcript.segments}):
        pieces: list[_Piece] = []
        for segment, name in transcript.told:
            if segment.channel == channel:
                fitting = shown[name]
                width = LINE_CHARACTERS - len(f"{fitting}: ") if fitting else LINE_CHARACTERS
                pieces.extend(_Piece(words, width, name, fitting) for words in _pieces(segment.words, width))
        found.extend(_timed(pieces, transcript.seconds))
    return sorted(found, key=lambda cue: (cue.start, cue.end))


def fitting_names(names: Mapping[int, str]) -> dict[str, str]:
    """The names of speakers as they fit in front of a cue, by the whole names; none is longer than `NAME_CHARACTERS`.

    A long name is cut. Where that makes two names equal which are not, each ends with its speaker's number.
    """
    fitting: dict[str, str] = {}
    cut = Counter(_cut(name, NAME_CHARACTERS) for name in set(names.values()))
    for speaker, name in names.items():
        number = f" {speaker + 1}" if cut[_cut(name, NAME_CHARACTERS)] > 1 else ""
        fitting.setdefault(name, _cut(name, NAME_CHARACTERS - len(number)) + number)
    return fitting


def _cut(name: str, most: int) -> str:
    """A name of `most` characters at most; a letter keeps its accents, or goes with them."""
    if len(name) <= most:
        return name
    end = most - len(_CUT)
    while end > 1 and (unicodedata.category(name[end]) in _JOINED or name[end - 1] == _JOINER):
        end -= 1
    return name[:end].rstrip() + _CUT


@dataclass(frozen=True, slots=True)
class _Piece:
    """Words that are a cue, the width that they are laid in, and the speaker's name, whole and as it is shown."""

    words: Sequence[Word]
    width: int
    speaker: str
    shown: str


def _pieces(words: Sequence[Word], width: int) -> Iterator[tuple[Word, ...]]:
    """Split a sentence into pieces that fit on screen, of nearly equal length, at commas where possible."""
    text = "".join(word.text for word in words).strip()
    fits = wrap(text, width) is not None and words[-1].end - words[0].start <= LONGEST
    if fits or len(words) == 1:
        yield tuple(words)
        return
    total = len(text)
    lengths = list(accumulate((len(word.text) for word in words), initial=0))

    def merit(index: int) -> float:
        comma = 0.15 if words[index - 1].text.rstrip().endswith((",", ";", ":")) else 0.0
        return comma - abs(lengths[index] / total - 0.5)

    cut = max(range(1, len(words)), key=merit)
    yield from _pieces(words[:cut], width)
    yield from _pieces(words[cut:], width)


def wrap(text: str, width: int) -> tuple[str, ...] | None:
    """The text in as few lines as hold it, of nearly equal length; None if it does not fit on screen."""
    if len(text) >= MOST_LINES * (width + 1):
        return None
    spaces = [index for index, character in enumerate(text) if character == " "]
    for breaks in range(MOST_LINES):
        cuts = [(-1, *chosen, len(text)) for chosen in combinations(spaces, breaks)]
        splits = [tuple(text[before + 1 : after] for before, after in pairwise(cut)) for cut in cuts]
        fitting = [lines for lines in splits if max(map(len, lines)) <= width]
        if fitting:
            return min(fitting, key=lambda lines: max(map(len, lines)) - min(map(len, lines)))
    return None


def _timed(pieces: Sequence[_Piece], seconds: float) -> Iterator[Cue]:
    """Give each piece the time that its words take and, as far as the next one allows, the time that reading takes."""
    for piece, following in zip_longest(pieces, pieces[1:]):
        words = piece.words
        text = " ".join("".join(word.text for word in words).split())
        start = words[0].start
        read = start + max(SHORTEST, len(text) / READING_SPEED)
        latest = following.words[0].start - GAP if following else seconds
        end = max(min(max(words[-1].end, min(read, latest)), start + LONGEST), start + TICK)
        lines = wrap(text, piece.width) or _chopped(text, piece.width)
        yield Cue(start, round(end, 3), lines, piece.speaker, piece.shown)


def _chopped(text: str, width: int) -> tuple[str, ...]:
    """A single word that is longer than a line, cut anywhere into as many lines as hold it: no letter is lost."""
    return tuple(text[start : start + width] for start in range(0, len(text), width))
