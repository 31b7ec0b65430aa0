"""Who speaks when in one voice of the sound, over the whole recording: from what was heard in its windows. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.audio.sound import Span
from services.gpu_worker.engine.speakers.clustering import cluster
from services.gpu_worker.engine.speakers.eight_bits import direction
from services.gpu_worker.engine.speakers.grid import STEP, WINDOW
from services.gpu_worker.engine.speakers.hearings import BLOCK, Labelled, speaking
from services.gpu_worker.engine.speakers.observations import TICK, Observation, Piece
from services.gpu_worker.engine.speakers.pieces import Pieces
from services.gpu_worker.engine.speakers.runs import runs
from services.gpu_worker.engine.speakers.telephone import without_telephone

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
    heard = _heard(speech, len(observations))
    who = np.full(len(heard), _NOBODY, np.int32)
    stretches = _stretches(observations, heard, at_least, at_most)
    for start, end, speaker in sorted(stretches, key=lambda stretch: (stretch[1] - stretch[0], stretch)):
        who[start:end] = speaker
    edges = [0, *(np.flatnonzero(np.diff(who)) + 1).tolist(), len(who)]
    return _turns((start, end, int(who[start])) for start, end in itertools.pairwise(edges) if who[start] != _NOBODY)


def overlapping_turns(
    observations: Sequence[Observation], speech: Sequence[Span], *, at_least: int = 1, at_most: int | None = None
) -> tuple[SpeakerTurn, ...]:
    """As `speaker_turns`, but where two speak at once, both have a turn. For measures: words have one speaker."""
    return _turns(_stretches(observations, _heard(speech, len(observations)), at_least, at_most))


def _turns(stretches: Iterable[tuple[int, int, int]]) -> tuple[SpeakerTurn, ...]:
    """Turns of stretches in order of time, each with its first tick, the one behind the last, and who speaks."""
    numbers: dict[int, int] = {}
    return tuple(
        SpeakerTurn(start * TICK, end * TICK, numbers.setdefault(speaker, len(numbers)))
        for start, end, speaker in stretches
    )


def _heard(speech: Sequence[Span], windows: int) -> Speech:
    heard = np.zeros(windows * STEP // TICK + WINDOW // TICK, bool)
    for start, end in speech:
        heard[start // TICK : -(-end // TICK)] = True
    return heard


def _stretches(
    observations: Sequence[Observation], heard: Speech, at_least: int, at_most: int | None
) -> list[tuple[int, int, int]]:
    """All that each speaker says without a break, in order of time."""
    said: dict[int, list[tuple[int, int]]] = {}
    for start, end, speaker in speaking(observations, _labelled(observations, heard, at_least, at_most)):
        own = said.setdefault(speaker, [])
        for first, last in runs(heard[start:end]):
            if own and own[-1][1] == start + first:
                own[-1] = own[-1][0], start + last
            else:
                own.append((start + first, start + last))
    return sorted((start, end, speaker) for speaker, own in said.items() for start, end in own)


def _labelled(observations: Sequence[Observation], heard: Speech, at_least: int, at_most: int | None) -> Labelled:
    """The pieces in which somebody speaks, each with its speaker."""
    pieces = [
        (window, place, piece)
        for window, observation in enumerate(observations)
        for place, track in enumerate(observation.tracks)
        for piece in track.pieces
        if heard[window * BLOCK + piece.start : window * BLOCK + piece.end].any()
    ]
    labelled: Labelled = {}
    if pieces:
        speakers = cluster(_arrays(pieces), at_least=at_least, at_most=at_most).tolist()
        for (window, place, piece), speaker in zip(pieces, speakers, strict=True):
            labelled.setdefault((window, place), []).append((piece, speaker))
    return labelled


def _arrays(pieces: Sequence[tuple[int, int, Piece]]) -> Pieces:
    return Pieces(
        voices=without_telephone(np.stack([direction(piece.voice) for _, _, piece in pieces])),
        seconds=np.array([piece.length / _SECOND for _, _, piece in pieces], np.float32),
        alone=np.array([piece.alone for _, _, piece in pieces]),
        windows=np.array([window for window, _, _ in pieces]),
        tracks=np.array([number for _, number, _ in pieces]),
    )
