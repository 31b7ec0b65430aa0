"""From spans of speech to clips, as they come: pure arithmetic on samples.

The packing depends on the spans alone, not on how many of them come at a time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

from services.gpu_worker.engine.audio.sound import RATE, Span

CLIP_SAMPLES = 30 * RATE
"""Samples in a Whisper window."""
PAD = 400 * RATE // 1000
"""Samples that are kept before and after a clip's speech, as a consonant begins before voice activity is detected."""
GAP = 800 * RATE // 1000
"""Samples to which a silence within a clip is shortened. A window then holds more speech, and less silence for which
the model could invent words."""
REACH = 180 * RATE
"""Samples of the recording over which a clip of several spans reaches at most, with its silences in full length. In a
long silence a clip is decided when nothing within its reach can follow."""
UNDECIDED = 80 * RATE
"""Samples of speech, with shortened silences, that may wait for a decision. With so many, which is no whole number of
clips, there are less than 2 % more clips than without a limit."""
# Weights of the three costs of a packing, measured in docs/performance.md: each further window, its length, and a cut
# where the speaker hardly paused, which takes a word's context or half of it.
WINDOW_COST, LENGTH_POWER, CUT_COST, SHORT_PAUSE = 0.3, 1.3, 0.5, 0.3 * RATE
COST_UNIT = 1e-9
"""Costs are counted in whole units: their sums are exact, wherever they begin, and so is a comparison."""


def clip_cost(samples: int) -> int:
    """The cost of a clip with so many samples of audio."""
    return round((WINDOW_COST + (samples / CLIP_SAMPLES) ** LENGTH_POWER) / COST_UNIT)


def cut_cost(pause: int) -> int:
    """The cost of a cut between two clips in a pause of so many samples."""
    return round(CUT_COST * math.exp(-pause / SHORT_PAUSE) / COST_UNIT)


class Packer:
    """Groups the spans of one voice into clips of at most 30 s of audio, at the least total cost.

    A clip is a tuple of spans, in samples, that make up its audio when laid end to end. Each span that comes must be at
    most 30 s less twice PAD.

    For each place between two spans the cheapest packing of all spans before it is known, by dynamic programming. A
    clip is decided when all packings have it that may still become the cheapest. If too much speech is undecided, the
    first clip is decided of the packing that costs least for its sound.
    """

    def __init__(self) -> None:
        self._spans: list[Span] = []
        """The spans that are not decided. A place is the index of the span behind it; the last place has none."""
        self._offsets = [0]
        """Each place in the sound with shortened silences: where the span behind it begins, or the last span ends."""
        self._costs = [0]
        """What the cheapest packing of all spans before each place costs, with a cut there if a span is behind it."""
        self._origins = [0]
        """The place where the last clip of this packing begins."""
        self._open: list[int] = []
        """The places where a clip may begin that goes on behind the last span."""
        self._before = -2 * PAD
        """Where the last span ends that is decided."""
        self._settled = 0
        """No span that is still to come begins before this sample."""

    @property
    def settled(self) -> int:
        """No clip that is still to come begins before this sample."""
        return _begin(self._before, self._spans[0][0] if self._spans else self._settled)

    def push(self, spans: Sequence[Span], settled: int) -> list[tuple[Span, ...]]:
        """The clips that are decided with these next spans, which are in order and do not overlap.

        No span that is still to come begins before `settled`.
        """
        clips = []
        for span in spans:
            self._add(span)
            clips += self._agreed()
            while self._offsets[-1] - self._offsets[0] > UNDECIDED:
                clips += self._preferred()
        self._settled = settled
        return clips + self._agreed()

    def finish(self, samples: int) -> list[tuple[Span, ...]]:
        """The clips that are left at the end of a recording of so many samples."""
        if not self._spans:
            return []
        # The last clip is padded up to the end of the recording: as if a next span were as far behind the end.
        self._settled = 2 * samples - self._spans[-1][1]
        return self._take(len(self._spans))

    def _add(self, span: Span) -> None:
        start, end = span
        if self._spans:
            self._open = self._going_on(start, end)
            pause = start - self._spans[-1][1]
            self._offsets[-1] += min(pause, GAP)
            self._costs[-1] += cut_cost(pause)
        self._open.append(len(self._spans))
        self._spans.append(span)
        self._offsets.append(self._offsets[-1] + end - start)
        # Of packings that cost the same, the one with the shortest last clip is taken.
        cost, origin = min((self._costs[first] + clip_cost(self._length(first)), -first) for first in self._open)
        self._costs.append(cost)
        self._origins.append(-origin)
        self._settled = end

    def _length(self, first: int) -> int:
        """The samples of a clip's audio from a place to the last span."""
        return self._offsets[-1] - self._offsets[first] + 2 * PAD

    def _going_on(self, start: int, end: int) -> list[int]:
        """The open places from which a clip can hold a next span, from `start` to `end`, as well."""
        more = min(start - self._spans[-1][1], GAP) + end - start
        return [
            first
            for first in self._open
            if self._length(first) + more <= CLIP_SAMPLES and end - self._spans[first][0] <= REACH
        ]

    def _agreed(self) -> list[tuple[Span, ...]]:
        """Decide the clips that all packings have which may still become the cheapest."""
        if not self._spans:
            return []
        self._open = self._going_on(self._settled, self._settled)
        # The next span may also begin a clip. How the last one is padded is known from twice PAD of silence on.
        padded = self._settled - self._spans[-1][1] >= 2 * PAD
        return self._take(reduce(self._common, self._open, len(self._spans) if padded else self._origins[-1]))

    def _preferred(self) -> list[tuple[Span, ...]]:
        """Decide the first clip of the packing that costs least for its sound; others are not followed any further."""
        place = min(self._open, key=lambda first: self._cost(first) / (self._offsets[first] - self._offsets[0]))
        while self._origins[place]:
            place = self._origins[place]
        self._open = [first for first in self._open if self._common(first, place) == place]
        return self._take(place)

    def _cost(self, place: int) -> int:
        return self._costs[place] - self._costs[0]

    def _common(self, place: int, other: int) -> int:
        """The last place where the cheapest packings of the spans before two places both have a cut."""
        while place != other:
            place, other = min(place, other), self._origins[max(place, other)]
        return place

    def _take(self, place: int) -> list[tuple[Span, ...]]:
        """Decide the cheapest packing of the spans before a place; no other one is open."""
        path = [place]
        while path[-1]:
            path.append(self._origins[path[-1]])
        starts = [*(start for start, _ in self._spans), self._settled]
        clips = []
        for first, last in pairwise(reversed(path)):
            begin, self._before = _begin(self._before, starts[first]), self._spans[last - 1][1]
            clips.append(_pieces(self._spans[first:last], begin, self._before + _pad(starts[last] - self._before)))
        self._spans, self._offsets, self._costs = self._spans[place:], self._offsets[place:], self._costs[place:]
        self._origins = [max(origin - place, 0) for origin in self._origins[place:]]
        self._open = [first - place for first in self._open]
        return clips


def _begin(before: int, start: int) -> int:
    """Where a clip begins whose speech begins at `start`, if the speech before it ends at `before`."""
    return max(start - _pad(start - before), 0)


def _pad(pause: int) -> int:
    return min(PAD, pause // 2)


def _pieces(speech: Sequence[Span], begin: int, finish: int) -> tuple[Span, ...]:
    """The audio of a clip with its silences shortened: half of GAP is kept at each side."""
    pieces = []
    for (_, before), (after, _) in pairwise(speech):
        if after - before > GAP:
            pieces.append((begin, before + GAP // 2))
            begin = after - (GAP - GAP // 2)
    return (*pieces, (begin, finish))
