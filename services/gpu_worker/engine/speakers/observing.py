"""Hears windows: who speaks when in each, and what the voices are like.

A window is heard more than once, at each of HEARINGS. Only in the middle of the first hearing (`STEP` long) voices are
described: there, the network of segmentation knows what is said on both sides. So each second is described once, and
the margins are described only for a voice that says little in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.speakers.eight_bits import eight_bits
from services.gpu_worker.engine.speakers.filterbank import BANDS, filterbank
from services.gpu_worker.engine.speakers.grid import HEARING, HEARINGS
from services.gpu_worker.engine.speakers.levels import levels_of
from services.gpu_worker.engine.speakers.networks import (
    EMBED_BATCH,
    EMBED_LENGTHS,
    FRAMES,
    SEGMENT_BATCH,
    Networks,
)
from services.gpu_worker.engine.speakers.observations import (
    MIDDLE,
    TICK,
    TICKS,
    Observation,
    Piece,
    Track,
)

Float = npt.NDArray[np.float32]
Ticks = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_SPEAKS = np.array([[0, 1, 0, 0, 1, 1, 0], [0, 0, 1, 0, 1, 0, 1], [0, 0, 0, 1, 0, 1, 1]], np.float32)
"""In which classes of the segmentation each of three voices speaks."""
_FIRST_FRAME, _FRAME = 495.5 / TICK, 270 / TICK
"""Where the middle of the first frame of segmentation lies, and how far it is to the next, in ticks."""
_SPEAKS_FROM = 0.5
"""From what likelihood on a tick may describe a voice."""
_LEAST_TRACK = 10
"""Ticks: who is heard for less in a window is taken for noise."""
_LEAST_PIECE = 40
"""Ticks: less does not tell what a voice is like."""
_PIECE = 150
"""Ticks: so long is a piece, if there is enough. Two of them are as good as one of twice the length, if they are of one
voice; and if segmentation took two voices for one, they come apart."""
_HEARD = 998
"""Ticks of a window that have a frame in the filterbank: the last two are shorter than a frame."""

_Cut = tuple[int, int, Ticks, bool]
"""A piece to be: the window, the track within it, the ticks, and whether its voice is alone."""


def observe(networks: Networks, windows: Sequence[npt.NDArray[np.int16]]) -> list[Observation]:
    """What is heard in windows of one voice, each of WINDOW samples, filled up with silence at the recording's end.

    What is heard in a window depends on nothing but its samples.
    """
    hearings = [window[start : start + HEARING] for start in HEARINGS for window in windows]
    likely = [_likely(probabilities) for probabilities in _segmented(networks, hearings)]
    first = likely[: len(windows)]
    cuts = [
        (index, track, ticks, alone)
        for index, tracks in enumerate(first)
        for track in range(len(tracks))
        for ticks, alone in _cuts(tracks > _SPEAKS_FROM, track)
    ]
    pieces: list[list[list[Piece]]] = [[[] for _ in tracks] for tracks in first]
    for (index, track, ticks, alone), voice in zip(cuts, _embedded(networks, hearings, cuts), strict=True):
        piece = Piece(int(ticks[0]), int(ticks[-1]) + 1, len(ticks), alone, eight_bits(voice))
        pieces[index][track].append(piece)
    return [
        Observation(
            tuple(Track(0, levels_of(track), tuple(held)) for track, held in zip(tracks, pieces[index], strict=True))
            + tuple(
                Track(hearing, levels_of(track))
                for hearing in range(1, len(HEARINGS))
                for track in likely[hearing * len(windows) + index]
            )
        )
        for index, tracks in enumerate(first)
    ]


def _segmented(networks: Networks, hearings: Sequence[npt.NDArray[np.int16]]) -> Iterator[Float]:
    for first in range(0, len(hearings), SEGMENT_BATCH):
        group = np.stack(hearings[first : first + SEGMENT_BATCH])
        missing = SEGMENT_BATCH - len(group)
        yield from networks.segment(np.pad(group, ((0, missing), (0, 0))))[: len(group)]


def _likely(probabilities: Float) -> Float:
    """How likely each voice speaks in each tick, shape (voices, TICKS), from the logarithms of a hearing."""
    speaks = np.exp(probabilities) @ _SPEAKS.T
    places = _FIRST_FRAME + _FRAME * np.arange(FRAMES)
    ticks = np.arange(TICKS) + 0.5
    likely = np.stack([np.interp(ticks, places, track) for track in speaks.T]).astype(np.float32)
    heard: Float = likely[(likely > _SPEAKS_FROM).sum(axis=1) >= _LEAST_TRACK]
    return heard


def _cuts(active: Mask, track: int) -> Iterator[tuple[Ticks, bool]]:
    """The pieces of a track, each as its ticks, and whether its voice is alone in them."""
    alone = active[track] & (active.sum(axis=0) == 1)
    ticks = _chosen(alone)
    if (is_alone := len(ticks) >= _LEAST_PIECE) is False:
        ticks = np.flatnonzero(active[track, :_HEARD])[:_PIECE]
    if len(ticks) < _LEAST_PIECE:
        return
    for part in np.array_split(ticks, max(1, round(len(ticks) / _PIECE))):
        yield part, is_alone


def _chosen(alone: Mask) -> Ticks:
    """All ticks in the middle of a window, and if they are few, those of the margins that are nearest to them."""
    ticks = np.flatnonzero(alone[:_HEARD])
    middle = (ticks >= MIDDLE[0]) & (ticks < MIDDLE[1])
    inside, outside = ticks[middle], ticks[~middle]
    if len(inside) >= _PIECE:
        return inside
    centre = inside.mean() if len(inside) else TICKS / 2
    nearest = outside[np.argsort(np.abs(outside - centre), kind="stable")][: _PIECE - len(inside)]
    return np.sort(np.concatenate([inside, nearest]))


def _embedded(networks: Networks, hearings: Sequence[npt.NDArray[np.int16]], cuts: Sequence[_Cut]) -> list[Float]:
    """What the voice of each piece is like."""
    bands = {index: filterbank(hearings[index]) for index in sorted({cut[0] for cut in cuts})}
    lengths = [_nearest_length(len(ticks)) for _, _, ticks, _ in cuts]
    voices: dict[int, Float] = {}
    for length in EMBED_LENGTHS:
        places = [place for place, of in enumerate(lengths) if of == length]
        for first in range(0, len(places), EMBED_BATCH):
            group = places[first : first + EMBED_BATCH]
            batch = np.zeros((EMBED_BATCH, length, BANDS), np.float32)
            for row, place in enumerate(group):
                index, _, ticks, _ = cuts[place]
                batch[row] = _features(bands[index][ticks], length)
            voices.update(zip(group, networks.embed(batch), strict=False))
    return [voices[place] for place in range(len(cuts))]


def _nearest_length(ticks: int) -> int:
    return min(EMBED_LENGTHS, key=lambda length: abs(length - ticks))


def _features(bands: Float, length: int) -> Float:
    """A piece of exactly so many frames, less its mean: from its middle, or repeated until it is long enough."""
    first = max(0, (len(bands) - length) // 2)
    taken: Float = bands[(first + np.arange(length)) % len(bands)]
    taken -= taken.mean(axis=0)
    return taken
