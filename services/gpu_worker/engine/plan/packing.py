"""From spans of speech to clips, as they come. Pure.

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
UNDECIDED = 110 * RATE
"""Samples of speech, with shortened silences, that may wait for a decision. In long recordings there are then less than
2 % more clips than without a limit."""
FIRST_UNDECIDED = 65 * RATE
"""The same at the beginning of a recording, where somebody waits for the first text. It grows by half a second with
each second of the recording that is decided."""
# Weights of the three costs of a packing, measured in docs/performance.md: each further window, its length, and a cut
# where the speaker hardly paused, which takes a word's context or half of it.
WINDOW_COST, LENGTH_POWER, CUT_COST, SHORT_PAUSE = 0.3, 1.3, 0.5, 0.3 * RATE
COST_UNIT = 1e-9
"""Costs are counted in whole units: their sums are exact, wherever they begin, and so is a comparison."""


def clip_cost(samples: int) -> int:
    """The cost of a clip with so many samples of audio."""
    return round((WINDOW_COST + math.pow(samples / CLIP_SAMPLES, LENGTH_POWER)) / COST_UNIT)


def cut_cost(pause: int) -> int:
    """The cost of a cut between two clips in a pause of so many samples."""
    return round(CUT_COST * math.exp(-pause / SHORT_PAUSE) / COST_UNIT)


class Packer:
    """Groups the spans of one voice into clips of at most 30 s of audio, at the least total cost.

    A clip is a tuple of spans, in samples, that make up its audio when laid end to end. Each span that comes must be at
    most 30 s less twice PAD.

    A clip is decided when all packings that may still become the cheapest have it. If too much speech is undecided, the
    packing that costs least for its sound is followed, and its first clip is decided. Either way the rest is packed as
    if it were a recording of its own.
    """

    def __init__(self) -> None:
        self._undecided = _Packings()
        self._before = -2 * PAD
        """Where the last span ends that is decided."""
        self._settled = 0
        """No span that is still to come begins before this sample."""

    @property
    def settled(self) -> int:
        """No clip that is still to come begins before this sample."""
        spans = self._undecided.spans
        return _begin(self._before, spans[0][0] if spans else self._settled)

    def push(self, spans: Sequence[Span], settled: int) -> list[tuple[Span, ...]]:
        """The clips that are decided with these next spans, which are in order and do not overlap.

        No span that is still to come begins before `settled`.
        """
        clips = []
        for span in spans:
            self._undecided.add(span)
            self._settled = span[1]
            clips += self._agreed()
            while self._undecided.samples > min(FIRST_UNDECIDED + max(self._before, 0) // 2, UNDECIDED):
                clips += self._take(self._undecided.path(self._undecided.preferred())[1])
        self._settled = settled
        return clips + self._agreed()

    def finish(self, samples: int) -> list[tuple[Span, ...]]:
        """The clips that are left at the end of a recording of so many samples."""
        spans = self._undecided.spans
        if not spans:
            return []
        # The last clip is padded up to the end of the recording: as if a next span were as far behind the end.
        self._settled = 2 * samples - spans[-1][1]
        return self._take(len(spans))

    def _agreed(self) -> list[tuple[Span, ...]]:
        spans = self._undecided.spans
        # The last clip's padding is known when twice PAD of silence is behind it.
        known = bool(spans) and self._settled - spans[-1][1] >= 2 * PAD
        return self._take(self._undecided.agreed(self._settled, to_the_end=known))

    def _take(self, place: int) -> list[tuple[Span, ...]]:
        """Decide the cheapest packing of the spans before a place."""
        spans = self._undecided.spans
        starts = [*(start for start, _ in spans), self._settled]
        clips = []
        for first, last in pairwise(self._undecided.path(place)):
            begin, self._before = _begin(self._before, starts[first]), spans[last - 1][1]
            clips.append(_pieces(spans[first:last], begin, self._before + _pad(starts[last] - self._before)))
        if clips:
            self._undecided = _Packings(spans[place:])
        return clips


class _Packings:
    """For each place between spans the cheapest packing of all spans before it, by dynamic programming.

    A place is the index of the span behind it; the last place has none.
    """

    def __init__(self, spans: Sequence[Span] = ()) -> None:
        self.spans: list[Span] = []
        self._offsets = [0]
        """Each place in the sound with shortened silences: where the span behind it begins, or the last span ends."""
        self._costs = [0]
        """What the cheapest packing of all spans before each place costs, with a cut there if a span is behind it."""
        self._origins = [0]
        """The place where the last clip of this packing begins."""
        self._open: list[int] = []
        """The places where a clip may begin that goes on behind the last span."""
        for span in spans:
            self.add(span)

    @property
    def samples(self) -> int:
        """The length of the spans with shortened silences."""
        return self._offsets[-1]

    def add(self, span: Span) -> None:
        """Find the cheapest packing with a next span as well."""
        start, end = span
        if self.spans:
            self._open = self._going_on(start, end)
            pause = start - self.spans[-1][1]
            self._offsets[-1] += min(pause, GAP)
            self._costs[-1] += cut_cost(pause)
        self._open.append(len(self.spans))
        self.spans.append(span)
        self._offsets.append(self._offsets[-1] + end - start)
        # Of packings that cost the same, the one with the shortest last clip is taken.
        cost, origin = min((self._costs[first] + clip_cost(self._length(first)), -first) for first in self._open)
        self._costs.append(cost)
        self._origins.append(-origin)

    def path(self, place: int) -> list[int]:
        """Where the clips of the cheapest packing before a place begin, and the place itself."""
        path = [place]
        while path[-1]:
            path.append(self._origins[path[-1]])
        return path[::-1]

    def agreed(self, settled: int, *, to_the_end: bool) -> int:
        """The last place at which all packings have a cut that may still become the cheapest.

        Args:
            settled: the next span does not begin before this sample.
            to_the_end: whether this may be the last place, if no clip can go on behind it.

        """
        if not self.spans:
            return 0
        return reduce(
            self._common, self._going_on(settled, settled), len(self.spans) if to_the_end else self._origins[-1]
        )

    def preferred(self) -> int:
        """The place at which a clip may begin that goes on, and before which the sound is packed at the least rate."""
        return min(self._open, key=lambda place: self._costs[place] / self._offsets[place])

    def _common(self, place: int, other: int) -> int:
        """The last place at which the cheapest packings before two places both have a cut."""
        while place != other:
            place, other = min(place, other), self._origins[max(place, other)]
        return place

    def _going_on(self, start: int, end: int) -> list[int]:
        """The open places from which a clip can hold a next span, from `start` to `end`, as well."""
        more = min(start - self.spans[-1][1], GAP) + end - start
        return [
            first
            for first in self._open
            if self._length(first) + more <= CLIP_SAMPLES and end - self.spans[first][0] <= REACH
        ]

    def _length(self, first: int) -> int:
        """The samples of a clip's audio from a place to the last span."""
        return self._offsets[-1] - self._offsets[first] + 2 * PAD


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
