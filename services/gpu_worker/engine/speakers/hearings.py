"""Puts together what was heard in all windows, once it is known who is who. Pure.

Each instant is heard several times, every time with other sound before and behind it. The network errs at the edges of
what it hears, and it errs when one voice goes over into another, but not each time in the same way: so an instant
belongs to whom the hearings give it on average.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.speakers.grid import HEARINGS, STEP
from services.gpu_worker.engine.speakers.observations import TICK, TICKS, Observation, Piece, Track
from services.gpu_worker.engine.speakers.runs import runs

Float = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Labelled = dict[tuple[int, int], list[tuple[Piece, int]]]
"""The pieces of tracks, each with its speaker, by window and by the track's place in it."""

BLOCK = STEP // TICK
"""Ticks from a window to the next."""

_SPEAKS, _SOMEBODY = 0.5, 0.4
"""From what likelihood on one speaks; and who is the most likely one. That somebody speaks is surer than who it is."""
_BEGINNINGS = tuple(hearing // TICK for hearing in HEARINGS)
_BLOCKS = -(-(_BEGINNINGS[-1] + TICKS) // BLOCK)
"""So many blocks a window reaches into."""


@dataclass(frozen=True, slots=True)
class _Vote:
    """What one hearing says of one speaker."""

    start: int
    """Where the hearing begins, in ticks of the recording."""
    speaker: int
    likely: Float


def speaking(observations: Sequence[Observation], labelled: Labelled) -> Iterator[tuple[int, int, int]]:
    """Stretches in which somebody speaks: the first tick, the one behind the last, and who; in no order."""
    votes = _votes(observations, labelled)
    heard = _times_heard(len(observations))
    for block in range(len(votes)):
        near = list(itertools.chain(*votes[max(0, block + 1 - _BLOCKS) : block + 1]))
        yield from _in_block(near, block * BLOCK, heard[block * BLOCK : (block + 1) * BLOCK])


def _in_block(votes: list[_Vote], begin: int, heard: Float) -> Iterator[tuple[int, int, int]]:
    speakers, places = np.unique([vote.speaker for vote in votes], return_inverse=True)
    if not len(speakers):
        return
    likely = np.zeros((len(speakers), BLOCK), np.float32)
    for vote, place in zip(votes, places, strict=True):
        first = begin - vote.start
        part = vote.likely[max(0, first) : max(0, first + BLOCK)]
        offset = max(0, -first)
        likely[place, offset : offset + len(part)] += part
    likely /= heard
    speaks = likely > _SPEAKS
    best = likely.argmax(axis=0)
    ticks = np.arange(BLOCK)
    speaks[best, ticks] |= likely[best, ticks] > _SOMEBODY
    for speaker, mask in zip(speakers.tolist(), speaks, strict=True):
        for start, end in runs(mask):
            yield begin + start, begin + end, speaker


def _times_heard(windows: int) -> Float:
    """How often each tick is heard."""
    heard = np.zeros((windows + _BLOCKS - 1) * BLOCK, np.float32)
    for beginning in _BEGINNINGS:
        for start in range(beginning, beginning + windows * BLOCK, BLOCK):
            heard[start : start + TICKS] += 1
    return np.maximum(heard, 1)


def _votes(observations: Sequence[Observation], labelled: Labelled) -> list[list[_Vote]]:
    """Votes by windows, with as many empty ones behind the last as it reaches into."""
    votes: list[list[_Vote]] = [[] for _ in range(len(observations) + _BLOCKS - 1)]
    for (window, place), pieces in labelled.items():
        votes[window] += _of_pieces(observations[window].tracks[place], pieces, window * BLOCK)
    described = [list(of_window) for of_window in votes]
    for window, observation in enumerate(observations):
        near = list(itertools.chain(*described[max(0, window + 1 - _BLOCKS) : window + _BLOCKS]))
        for place, track in enumerate(observation.tracks):
            if (window, place) not in labelled:
                votes[window] += _by_company(track, window * BLOCK + _BEGINNINGS[track.hearing], near)
    return votes


def _of_pieces(track: Track, pieces: list[tuple[Piece, int]], start: int) -> Iterator[_Vote]:
    """Up to half-way between two pieces, it is who speaks in the first."""
    likely = track.likely()
    edges = [0, *((one.end + two.start) // 2 for (one, _), (two, _) in itertools.pairwise(pieces)), TICKS]
    for speaker in sorted({speaker for _, speaker in pieces}):
        own = np.zeros(TICKS, np.float32)
        for (_, of), (first, last) in zip(pieces, itertools.pairwise(edges), strict=True):
            if of == speaker:
                own[first:last] = likely[first:last]
        yield _Vote(start, speaker, own)


def _by_company(track: Track, start: int, near: list[_Vote]) -> Iterator[_Vote]:
    """A track that was not described is of whom other hearings find at the same time."""
    likely = track.likely()
    shared: dict[int, float] = {}
    for vote in near:
        apart = vote.start - start
        if abs(apart) < TICKS:
            one, two = likely[max(0, apart) :], vote.likely[max(0, -apart) :]
            common = min(len(one), len(two))
            shared[vote.speaker] = shared.get(vote.speaker, 0) + float(one[:common] @ two[:common])
    if shared and max(shared.values()) > 0:
        yield _Vote(start, max(sorted(shared), key=shared.__getitem__), likely)
