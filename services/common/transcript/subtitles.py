"""Turns segments into subtitles that fit the screen and are shown long enough to be read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise, zip_longest

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


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle; times are in seconds."""

    start: float
    end: float
    lines: tuple[str, ...]
    speaker: str = ""
    """The speaker's name, if several speak; the lines leave room for the name and a colon."""


def cues(transcript: Transcript) -> list[Cue]:
    """The subtitles of a transcript, in order. Those of the same channel do not overlap."""
    found: list[Cue] = []
    names = transcript.speakers
    for channel in sorted({segment.channel for segment in transcript.segments}):
        name = names.get(channel, "")
        width = LINE_CHARACTERS - len(f"{name}: ") if name else LINE_CHARACTERS
        said = [segment.words for segment in transcript.segments if segment.channel == channel]
        pieces = [piece for words in said for piece in _pieces(words, width)]
        timed = _timed(pieces, width, transcript.seconds)
        found.extend(replace(cue, speaker=name) for cue in timed)
    return sorted(found, key=lambda cue: (cue.start, cue.end))


def _pieces(words: Sequence[Word], width: int) -> Iterator[tuple[Word, ...]]:
    """Split a sentence into pieces that fit on screen, of nearly equal length, at commas where possible."""
    text = "".join(word.text for word in words).strip()
    fits = wrap(text, width) is not None and words[-1].end - words[0].start <= LONGEST
    if fits or len(words) == 1:
        yield tuple(words)
        return
    total = len(text)

    def merit(index: int) -> float:
        left = len("".join(word.text for word in words[:index]))
        comma = 0.15 if words[index - 1].text.rstrip().endswith((",", ";", ":")) else 0.0
        return comma - abs(left / total - 0.5)

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


def _timed(pieces: Sequence[Sequence[Word]], width: int, seconds: float) -> Iterator[Cue]:
    """Give each piece the time that its words take and, as far as the next one allows, the time that reading takes."""
    for words, following in zip_longest(pieces, pieces[1:]):
        text = " ".join("".join(word.text for word in words).split())
        start = words[0].start
        read = start + max(SHORTEST, len(text) / READING_SPEED)
        latest = following[0].start - GAP if following else seconds
        end = min(max(words[-1].end, min(read, latest)), start + LONGEST)
        yield Cue(start, round(end, 3), wrap(text, width) or _chopped(text, width))


def _chopped(text: str, width: int) -> tuple[str, ...]:
    """A single word that is longer than a line, cut anywhere into as many lines as hold it: no letter is lost."""
    return tuple(text[start : start + width] for start in range(0, len(text), width))
