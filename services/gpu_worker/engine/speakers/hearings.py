"""Puts together what was heard in all windows, once it is known who is who. Pure.

Each instant is heard several times, every time with other sound before and behind it. The network errs at the edges of
what it hears, and it errs when one voice goes over into another, but not each time in the same way: so an instant
belongs to whom the hearings give it on average, each with the more weight the more of it lies on both sides.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.speakers.grid import HEARINGS, STEP
from services.gpu_worker.engine.speakers.levels import likelihood
from services.gpu_worker.engine.speakers.observations import TICK, TICKS, Observation, Piece
from services.gpu_worker.engine.speakers.runs import runs

Float = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Place = tuple[int, int]
"""A track, by its window and its place in it."""
Labelled = dict[Place, list[tuple[Piece, int]]]
"""The pieces of tracks, each with its speaker."""

BLOCK = STEP // TICK
"""Ticks from a window to the next."""

_WEIGHTS = np.minimum(np.arange(TICKS) + 0.5, TICKS - np.arange(TICKS) - 0.5).astype(np.float32)
"""How much each tick of a hearing counts: the more, the farther it is from the edges."""
_SPEAKS, _SOMEBODY = 0.5, 0.45
"""From what likelihood on one speaks; and who is the most likely one. That somebody speaks is surer than who it is."""
_COMPACT = 1.5
"""How much longer than what was used of it a piece may be, to say in other hearings, too, who speaks."""
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
    """For each tick of the hearing, with its weight."""


@dataclass(frozen=True, slots=True)
class _Described:
    """A piece in the recording."""

    start: int
    end: int
    """In ticks of the recording."""
    speaker: int
    likely: Float
    """How likely its track speaks in these ticks."""
    track: Place
    compact: bool
    """Nobody else spoke meanwhile, and there is no long gap."""


def speaking(observations: Sequence[Observation], labelled: Labelled) -> Iterator[tuple[int, int, int]]:
    """Stretches in which somebody speaks: the first tick, the one behind the last, and who; in no order."""
    heard = _times_heard(len(observations))
    near: deque[list[_Vote]] = deque(maxlen=_BLOCKS)
    for block, votes in enumerate(_votes(observations, labelled)):
        near.append(votes)
        begin = block * BLOCK
        yield from _in_block([*itertools.chain(*near)], begin, heard[begin : begin + BLOCK])


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
    likely /= np.maximum(heard, _WEIGHTS[0])
    speaks = likely > _SPEAKS
    best = likely.argmax(axis=0)
    ticks = np.arange(BLOCK)
    speaks[best, ticks] |= likely[best, ticks] > _SOMEBODY
    for speaker, mask in zip(speakers.tolist(), speaks, strict=True):
        for start, end in runs(mask):
            yield begin + start, begin + end, speaker


def _times_heard(windows: int) -> Float:
    """With how much weight each tick is heard."""
    heard = np.zeros((windows + _BLOCKS - 1) * BLOCK, np.float32)
    for beginning in _BEGINNINGS:
        for start in range(beginning, beginning + windows * BLOCK, BLOCK):
            heard[start : start + TICKS] += _WEIGHTS
    return heard


def _votes(observations: Sequence[Observation], labelled: Labelled) -> Iterator[list[_Vote]]:
    """Votes window by window, and none for the blocks behind the last window's first."""
    described = _described(observations, labelled)
    for window, observation in enumerate(observations):
        near = list(itertools.chain(*described[max(0, window + 1 - _BLOCKS) : window + _BLOCKS]))
        votes: list[_Vote] = []
        for hearing, beginning in enumerate(_BEGINNINGS):
            tracks = {
                (window, place): likelihood(track.levels)
                for place, track in enumerate(observation.tracks)
                if track.hearing == hearing
            }
            votes += _of_hearing(tracks, window * BLOCK + beginning, near)
        yield votes
    yield from [[]] * (_BLOCKS - 1)


def _of_hearing(tracks: dict[Place, Float], start: int, near: list[_Described]) -> Iterator[_Vote]:
    """A track's own pieces tell who speaks in it; if it has none, those that other hearings have of it."""
    lent = _lent(tracks, start, near)
    for place, track in tracks.items():
        if pieces := [piece for piece in near if piece.track == place] or lent[place]:
            yield from _of_track(track, start, pieces)


def _described(observations: Sequence[Observation], labelled: Labelled) -> list[list[_Described]]:
    """The pieces of each window."""
    found: list[list[_Described]] = [[] for _ in observations]
    for (window, place), pieces in labelled.items():
        likely, start = likelihood(observations[window].tracks[place].levels), window * BLOCK
        found[window] += [
            _Described(
                start + piece.start,
                start + piece.end,
                speaker,
                likely[piece.start : piece.end].copy(),
                (window, place),
                piece.alone and piece.end - piece.start <= _COMPACT * piece.length,
            )
            for piece, speaker in pieces
        ]
    return found


def _lent(tracks: dict[Place, Float], start: int, near: list[_Described]) -> dict[Place, list[_Described]]:
    """For each track of a hearing, the pieces in which it speaks, whichever hearing they are from."""
    lent: dict[Place, list[_Described]] = {place: [] for place in tracks}
    for piece in near:
        first, last = max(piece.start, start), min(piece.end, start + TICKS)
        if tracks and piece.compact and first < last:
            spoken = piece.likely[first - piece.start : last - piece.start]
            shared = {place: float(track[first - start : last - start] @ spoken) for place, track in tracks.items()}
            most = max(shared, key=shared.__getitem__)
            if shared[most] > float(spoken @ spoken) / 2:
                lent[most].append(piece)
    return lent


def _of_track(track: Float, start: int, pieces: list[_Described]) -> Iterator[_Vote]:
    """Each tick is of whom the nearest piece is."""
    ticks = start + np.arange(TICKS)
    apart = [np.maximum(piece.start - ticks, ticks + 1 - piece.end) for piece in pieces]
    nearest = np.array([piece.speaker for piece in pieces])[np.argmin(apart, axis=0)]
    for speaker in np.unique(nearest).tolist():
        yield _Vote(start, speaker, np.where(nearest == speaker, track * _WEIGHTS, np.float32(0)))
