"""Which pieces of a recording are spoken by the same person. Pure.

What is alike enough is not the same in all recordings: on a telephone all voices are more alike, and in noise a voice
is less like itself. So each recording says it: pieces that segmentation hears as one voice within a window show how
alike a voice is to itself, and pieces that it tells apart show how alike two people are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.speakers.joining import Float, Groups, Labels, grouped, joined

Mask = npt.NDArray[np.bool_]

_LONG = np.float32(1.2)
"""Seconds: shorter pieces say too little to say who there is; they go to the speaker who is most like them."""
_ITSELF, _OTHER = 0.6, 0.1
"""How alike pieces of one voice are, and of two, where a recording says nothing about it; measured on real voices."""
_SURE = 4
"""So many pairs of pieces count as much as these."""
_CUTS = (0.5, 0.55, 0.6, 0.65, 0.7)
"""Where the cut lies on the way from two people to one voice. The finer ones are for when more speakers are wanted."""
_LOWEST, _HIGHEST = 0.2, 0.6
"""No recording moves the cut farther."""
_STRICTER = 0.1
"""Within a block, only what is more alike than the cut by so much is joined: the rest waits for the whole recording."""
_BLOCK = 150
"""Windows of a block. Blocks keep ten hours as cheap as sixty times ten minutes."""
_MOST_GROUPS = 2_000
"""More are never compared with each other: the shortest go to the speaker who is most like them."""
_SPEAKER_SECONDS = (1.5, 3.0)
_SPEAKER_SHARE = 0.02
"""Who is heard for less than this share of all speech is no speaker, unless nobody is heard for longer; the share is
never less than the one number of seconds, nor more than the other."""
_BLENDED, _BLENDED_SHARE = 0.6, 0.03
"""A speaker with less than this share of all speech is none, if so much of their voice is a blend of three others:
these are pieces in which one person ended and another began."""
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pieces of a recording, in order of their windows."""

    voices: Float
    """Shape (pieces, numbers), each of length one."""
    seconds: Float
    alone: Mask
    """Nobody else spoke meanwhile."""
    windows: Labels
    tracks: Labels
    """The voices that were told apart in the window."""

    def __len__(self) -> int:
        return len(self.voices)

    def __getitem__(self, chosen: Labels | Mask | slice) -> Pieces:
        return Pieces(
            self.voices[chosen], self.seconds[chosen], self.alone[chosen], self.windows[chosen], self.tracks[chosen]
        )


def cluster(pieces: Pieces, *, at_least: int = 1, at_most: int | None = None) -> Labels:
    """The speaker of each piece, from 0.

    Args:
        pieces: at least one.
        at_least: so many speakers are looked for: the cut becomes finer, but nobody is invented.
        at_most: there are no more speakers than this.

    """
    known = pieces.alone & (pieces.seconds >= _LONG)
    if not known.any():
        known = pieces.seconds >= pieces.seconds.max()
    certain = pieces[known]
    itself, other = _likeness(certain)
    cuts = [_between(itself, other, cut) for cut in (_CUTS if at_least > 1 else _CUTS[:1])]
    groups = _blocks(certain, cuts[-1] + _STRICTER)
    for cut in cuts:
        speakers = _speakers(groups, cut, at_most)
        if len(speakers) >= at_least:
            break
    return _nearest(pieces, _settled(certain, speakers))


def _likeness(pieces: Pieces) -> tuple[float, float]:
    """How alike pieces of one voice are, and pieces of two."""
    one, two, same = _pairs(pieces)
    alike = np.einsum("ij,ij->i", pieces.voices[one], pieces.voices[two])
    return _estimate(alike[same], _ITSELF), _estimate(alike[~same], _OTHER)


def _estimate(alike: Float, expected: float) -> float:
    seen = float(np.median(alike)) if len(alike) else expected
    return (seen * len(alike) + expected * _SURE) / (len(alike) + _SURE)


def _between(itself: float, other: float, cut: float) -> float:
    return min(max(other + cut * (itself - other), _LOWEST), _HIGHEST)


def _pairs(pieces: Pieces) -> tuple[Labels, Labels, Mask]:
    """All pairs of pieces in one window; and whether they are of one track."""
    sizes = np.unique(pieces.windows, return_counts=True)[1]
    ends = np.repeat(np.cumsum(sizes), sizes)
    later = ends - np.arange(len(pieces)) - 1
    one = np.repeat(np.arange(len(pieces)), later)
    two = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(later) - later, later)
    return one, two, pieces.tracks[one] == pieces.tracks[two]


def _blocks(pieces: Pieces, least: float) -> Groups:
    """Groups of pieces that are surely of one voice, each made in one block; in a single block, all pieces apart."""
    blocks = pieces.windows // _BLOCK
    if blocks[-1] == blocks[0]:
        return _groups(pieces, np.arange(len(pieces)))
    labels = np.empty(len(pieces), np.int64)
    count = 0
    for block in np.unique(blocks):
        chosen = blocks == block
        part = pieces[chosen]
        found = joined(_groups(part, np.arange(len(part))), least)
        labels[chosen] = found + count
        count += int(found.max()) + 1
    return _groups(pieces, labels)


def _groups(pieces: Pieces, labels: Labels) -> Groups:
    """The heaviest groups of the pieces."""
    count = int(labels.max()) + 1
    seconds = np.bincount(labels, pieces.seconds, count).astype(np.float32)
    sums = np.zeros((count, pieces.voices.shape[1]), np.float32)
    np.add.at(sums, labels, pieces.voices * pieces.seconds[:, None])
    kept = np.sort(np.argsort(-seconds, kind="stable")[:_MOST_GROUPS])
    place = np.full(count, -1)
    place[kept] = np.arange(len(kept))
    together, apart = np.zeros((2, len(kept), len(kept)), np.float32)
    one, two, same = _pairs(pieces)
    first, second = place[labels[one]], place[labels[two]]
    for pairs, of in ((together, same), (apart, ~same)):
        chosen = of & (first >= 0) & (second >= 0)
        np.add.at(pairs, (first[chosen], second[chosen]), 1)
        np.add.at(pairs, (second[chosen], first[chosen]), 1)
    return Groups(sums[kept] / seconds[kept, None], seconds[kept], together, apart)


def _speakers(groups: Groups, least: float, at_most: int | None) -> Float:
    """The voice of each speaker."""
    found = grouped(groups, joined(groups, least))
    enough = np.clip(_SPEAKER_SHARE * found.seconds.sum(), *_SPEAKER_SECONDS)
    kept: list[int] = []
    for group in np.argsort(-found.seconds, kind="stable").tolist():
        seconds = found.seconds[group]
        short = seconds < _BLENDED_SHARE * found.seconds.sum()
        if not kept or (seconds >= enough and not (short and _is_blend(found.means[group], found.means[kept]))):
            kept.append(group)
    both = np.ix_(kept, kept)
    found = Groups(found.means[kept], found.seconds[kept], found.together[both], found.apart[both])
    if at_most is not None:
        found = grouped(found, joined(found, np.inf, at_most=at_most))
    return _directions(found.means)


def _is_blend(voice: Float, others: Float) -> bool:
    voice, others = _directions(voice[None])[0], _directions(others)
    nearest = others[np.argsort(-(others @ voice), kind="stable")[:3]].T
    part = nearest @ np.linalg.lstsq(nearest, voice)[0]
    return bool(np.linalg.norm(part) > _BLENDED)


def _settled(pieces: Pieces, speakers: Float) -> Float:
    """The speakers, after each piece has gone to the one who is most like it, some times over."""
    for _ in range(_ROUNDS):
        nearest = _nearest(pieces, speakers)
        sums = np.zeros_like(speakers)
        np.add.at(sums, nearest, pieces.voices * pieces.seconds[:, None])
        speakers = _directions(sums[np.bincount(nearest, minlength=len(speakers)) > 0])
    return speakers


def _nearest(pieces: Pieces, speakers: Float) -> Labels:
    nearest: Labels = np.argmax(pieces.voices @ speakers.T, axis=1)
    return nearest


def _directions(voices: Float) -> Float:
    directions: Float = voices / np.linalg.norm(voices, axis=1, keepdims=True)
    return directions
