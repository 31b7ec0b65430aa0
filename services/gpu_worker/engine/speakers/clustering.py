"""Which pieces of a recording are spoken by the same person. Pure.

What is alike enough is not the same in all recordings: on a telephone all voices are more alike, and in noise a voice
is less like itself. So each recording says it: pieces that segmentation hears as one voice within a window show how
alike a voice is to itself, and pieces that it tells apart show how alike two people are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from services.gpu_worker.engine.speakers.descriptions import described, directions
from services.gpu_worker.engine.speakers.joining import Float, Groups, Labels, grouped, joined
from services.gpu_worker.engine.speakers.likeness import Likeness, judged
from services.gpu_worker.engine.speakers.pieces import Pieces

_LONG = np.float32(1.2)
"""Seconds: shorter pieces say too little to say who there is; they go to the speaker who is most like them."""
_CUTS = (0.45, 0.55, 0.6, 0.65, 0.7)
"""Where the cut lies on the way from two people to one voice. The finer ones are for when more speakers are wanted; the
finest counts, too, when it finds more speakers of whom all are heard well and no two are alike."""
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
_ONE_VOICE = 0.85
"""Two speakers who are more alike than this are one. Halves of a monologue are at 0.8 and more, two people on a
telephone at 0.8 at most, and mostly below 0.6."""
_SURELY_TWO = 0.7
"""Who was found with a finer cut counts only if no two are farther than this on the way from two people to one."""
_HEARD_WELL = 15.0
"""Seconds that somebody must be heard to be found with a finer cut, unless more speakers are wanted."""
_ROUNDS = 3


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
    certain, likeness = judged(pieces[known])
    groups = _blocks(certain, likeness.between(_CUTS[-1]) + _STRICTER)

    def people(cut: float) -> Float:
        return _one_of_each(certain, _speakers(groups, likeness.between(cut), at_most), likeness)

    found = people(_CUTS[0])
    for cut in _CUTS[1:] if len(found) < at_least else _CUTS[-1:]:
        finer = people(cut)
        if len(finer) <= len(found):
            continue
        heard = described(certain, _nearest(certain, finer))
        wanted = len(found) < at_least or heard.seconds.min() >= _HEARD_WELL
        if wanted and heard.most_alike(likeness)[0] < _SURELY_TWO:
            found = finer
    return _nearest(pieces, found)


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
    one, two, same = pieces.pairs()
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
    return directions(found.means)


def _is_blend(voice: Float, others: Float) -> bool:
    voice, others = directions(voice[None])[0], directions(others)
    nearest = others[np.argsort(-(others @ voice), kind="stable")[:3]].T
    part = nearest @ np.linalg.lstsq(nearest, voice)[0]
    return bool(np.linalg.norm(part) > _BLENDED)


def _one_of_each(pieces: Pieces, speakers: Float, likeness: Likeness) -> Float:
    """The speakers, after each piece has gone to the one who is most like it, and nobody is there twice."""
    for _ in range(_ROUNDS):
        speakers = described(pieces, _nearest(pieces, speakers)).voices
    found = described(pieces, _nearest(pieces, speakers))
    while len(found.seconds) > 1:
        alike, one, two = found.most_alike(replace(likeness, other=0))
        if alike < _ONE_VOICE:
            break
        found = found.joined(one, two)
    return found.voices


def _nearest(pieces: Pieces, speakers: Float) -> Labels:
    nearest: Labels = np.argmax(pieces.voices @ speakers.T, axis=1)
    return nearest
