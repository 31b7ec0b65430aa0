"""Who speaks when in one voice of the sound, over the whole recording: from what was heard in its windows. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.audio.sound import Span
from services.gpu_worker.engine.speakers.clustering import cluster
from services.gpu_worker.engine.speakers.eight_bits import direction
from services.gpu_worker.engine.speakers.grid import STEP
from services.gpu_worker.engine.speakers.observations import MIDDLE, TICK, TICKS, Observation, Piece, Track
from services.gpu_worker.engine.speakers.pieces import Pieces
from services.gpu_worker.engine.speakers.runs import runs
from services.gpu_worker.engine.speakers.telephone import without_telephone

_STEP = STEP // TICK
_SECOND = 100
"""Ticks."""
_NOBODY = -1

Speech = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SpeakerTurn:
    """What one speaker says without another in between."""

    start: int
    end: int
    """Samples of the recording."""
    speaker: int
    """From 0, in order of the first turn."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What one speaker says in the middle of a window, in ticks of the recording."""

    start: int
    end: int
    speaker: int
    floor: int
    """How long they speak without a break around it, as far as the window shows."""


def speaker_turns(
    observations: Sequence[Observation], speech: Sequence[Span], *, at_least: int = 1, at_most: int | None = None
) -> tuple[SpeakerTurn, ...]:
    """The turns of all speakers; no two overlap. Where two speak at once, it is the turn of who speaks longer.

    Args:
        observations: those of all windows of the recording, in order.
        speech: where somebody speaks, in samples; there are no turns elsewhere, and no speakers.
        at_least: how many speakers to look for; fewer are found where there are no more.
        at_most: there are no more speakers than this.

    """
    ticks = len(observations) * _STEP + TICKS
    who, floors = np.full(ticks, _NOBODY, np.int32), np.zeros(ticks, np.int32)
    heard = _heard(speech, ticks)
    for said in _said(observations, heard, at_least, at_most):
        stretch = slice(said.start, said.end)
        taken = heard[stretch] & (said.floor > floors[stretch])
        who[stretch][taken], floors[stretch][taken] = said.speaker, said.floor
    return _turns((start, end, int(who[start])) for start, end in _equal_runs(who) if who[start] != _NOBODY)


def overlapping_turns(
    observations: Sequence[Observation], speech: Sequence[Span], *, at_least: int = 1, at_most: int | None = None
) -> tuple[SpeakerTurn, ...]:
    """As `speaker_turns`, but where two speak at once, both have a turn. For measures: words have one speaker."""
    heard = _heard(speech, len(observations) * _STEP + TICKS)
    said: dict[int, Speech] = {}
    for part in _said(observations, heard, at_least, at_most):
        said.setdefault(part.speaker, np.zeros_like(heard))[part.start : part.end] = True
    return _turns(sorted((*run, speaker) for speaker, mask in said.items() for run in runs(mask & heard)))


def _turns(stretches: Iterator[tuple[int, int, int]] | list[tuple[int, int, int]]) -> tuple[SpeakerTurn, ...]:
    """Turns of stretches in order of time, each with its first tick, the one behind the last, and who speaks."""
    numbers: dict[int, int] = {}
    return tuple(
        SpeakerTurn(start * TICK, end * TICK, numbers.setdefault(speaker, len(numbers)))
        for start, end, speaker in stretches
    )


def _heard(speech: Sequence[Span], ticks: int) -> Speech:
    heard = np.zeros(ticks, bool)
    for start, end in speech:
        heard[start // TICK : -(-end // TICK)] = True
    return heard


def _equal_runs(who: npt.NDArray[np.int32]) -> Iterator[tuple[int, int]]:
    edges = [0, *(np.flatnonzero(np.diff(who)) + 1).tolist(), len(who)]
    return itertools.pairwise(edges)


def _said(observations: Sequence[Observation], heard: Speech, at_least: int, at_most: int | None) -> Iterator[_Said]:
    """All that is said, in order of the windows."""
    pieces = [
        (window, number, piece)
        for window, observation in enumerate(observations)
        for number, track in enumerate(observation.tracks)
        for piece in track.pieces
        if heard[window * _STEP + piece.start : window * _STEP + piece.end].any()
    ]
    if not pieces:
        return
    speakers = cluster(_arrays(pieces), at_least=at_least, at_most=at_most).tolist()
    known: dict[tuple[int, int], list[tuple[Piece, int]]] = {}
    for (window, number, piece), speaker in zip(pieces, speakers, strict=True):
        known.setdefault((window, number), []).append((piece, speaker))
    for (window, number), of_track in known.items():
        first = 0 if window == 0 else MIDDLE[0]
        last = TICKS if window == len(observations) - 1 else MIDDLE[1]
        yield from _said_by(observations[window].tracks[number], of_track, (first, last), window * _STEP)


def _said_by(track: Track, pieces: list[tuple[Piece, int]], within: tuple[int, int], offset: int) -> Iterator[_Said]:
    """What a track says: up to half-way between two pieces, it is who speaks in the first."""
    halves = [(one.end + two.start) // 2 for (one, _), (two, _) in itertools.pairwise(pieces)]
    starts, ends = [within[0], *halves], [*halves, within[1]]
    for first, last in track.spans:
        for (_, speaker), start, end in zip(pieces, starts, ends, strict=True):
            begin, stop = max(first, start, within[0]), min(last, end, within[1])
            if begin < stop:
                yield _Said(offset + begin, offset + stop, speaker, last - first)


def _arrays(pieces: Sequence[tuple[int, int, Piece]]) -> Pieces:
    return Pieces(
        voices=without_telephone(np.stack([direction(piece.voice) for _, _, piece in pieces])),
        seconds=np.array([piece.length / _SECOND for _, _, piece in pieces], np.float32),
        alone=np.array([piece.alone for _, _, piece in pieces]),
        windows=np.array([window for window, _, _ in pieces]),
        tracks=np.array([number for _, number, _ in pieces]),
    )
