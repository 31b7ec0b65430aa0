"""Which tracks are used, and how their channels are mixed to one voice or to several. Pure.

The mix is decided from the first minute of sound, by the channels' powers and correlations, so that every reader of a
recording decides alike. `watching.py` compares the rest of the recording with that decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.common.domain.options import MAX_VOICES
from services.gpu_worker.engine.audio.samples import Block, Names, Pause, Samples
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.audio.watching import AUDIBLE, INAUDIBLE, Findings, Float, Watch

SETTLING = 60 * RATE
"""Samples with sound in any track by which the mix is decided."""
MOST_WAITING = 64 * 2**20
"""Bytes that are held back at most until the mix is decided: a long silence may come first."""
FAINT = 0.01
"""Share of the loudest channel's level. A quieter channel that is not AUDIBLE is the noise of an open line."""
OPPOSED = -0.3
"""Correlation at or below which a channel is inverted before it is added to others."""
EQUAL = 0.98
"""Correlation above which two voices carry the same sound."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What is known of the tracks before any sound is read; tracks are named by their index."""

    first: int = 0
    """The file's default track."""
    together: bool = False
    """Whether they belong together, as the microphones of one recording do."""
    chosen: tuple[int, ...] | None = None
    """Tracks that the job chose, whatever is in them; None where it chose none."""
    separate: bool = False
    as_they_are: bool = False
    """Whether every channel is a voice as it stands: the file was written by `part_audio.py`."""


@dataclass(slots=True)
class _Section:
    """A stretch of sound in which the tracks' channels stay the same; a row is one channel of one track."""

    layout: tuple[Names, ...]
    powers: Float
    """Sums of products of the rows' samples, shape (rows, rows)."""
    audible: int = 0
    """Samples in which any row is audible."""
    bytes: int = 0
    items: list[Block | Pause] = field(default_factory=list)
    weights: Float | None = None
    """The weight of each row in each voice, shape (voices, rows); None until that is decided."""
    within: bool = True
    """Whether no voice can exceed 16 bit."""
    tracks: list[int] = field(init=False)
    """The index of each row's track."""

    def __post_init__(self) -> None:
        self.tracks = [track for track, names in enumerate(self.layout) for _ in names]

    def add(self, item: Block | Pause) -> None:
        self.items.append(item)
        if isinstance(item, Block):
            sound = item.samples.astype(np.float32)
            sound -= sound.mean(axis=1, keepdims=True)  # a constant offset is no sound
            powers = sound @ sound.T
            self.bytes += item.samples.nbytes
            self.powers += powers
            if powers.diagonal().max() > INAUDIBLE**2 * sound.shape[1]:
                self.audible += sound.shape[1]


class Mixer:
    """Takes blocks of all channels; gives blocks of voices, shape (voices, samples)."""

    def __init__(self, sources: Sources) -> None:
        self.findings = Findings()
        self._sources = sources
        self._voices = 0
        self._sections: list[_Section] = []
        """The present section, and those before it whose mix is not yet decided."""
        self._watch = Watch(self.findings)
        self._position = 0

    def push(self, item: Block | Pause) -> Iterator[Samples | Pause]:
        """Take the next block or pause, first of all a block; give the voices whose mix is decided."""
        if isinstance(item, Block) and (not self._sections or item.layout != self._sections[-1].layout):
            if self._voices:
                yield from self.finish()
                self._sections.clear()
            self._sections.append(self._section(item.layout))
        section = self._sections[-1]
        if section.weights is not None:
            yield self._mixed(item, section)
            return
        section.add(item)
        audible, size = (sum(getattr(one, name) for one in self._sections) for name in ("audible", "bytes"))
        if audible >= SETTLING or size >= MOST_WAITING:
            yield from self.finish()

    def finish(self) -> Iterator[Samples | Pause]:
        """Decide by the sound that there is, and give the voices that were held back."""
        self._settle()
        for section in self._sections:
            items, section.items = section.items, []
            for item in items:
                yield self._mixed(item, section)
        del self._sections[:-1]

    def _section(self, layout: tuple[Names, ...]) -> _Section:
        rows = sum(map(len, layout))
        section = _Section(layout, np.zeros((rows, rows), np.float32))
        if self._sources.as_they_are:
            section.weights, self._voices = np.eye(rows, dtype=np.float32), rows
            self.findings.heard = tuple(range(len(layout)))
        elif rows == 1 and self._voices <= 1 and not self._sections:  # nothing to settle
            section.weights, self._voices = np.ones((1, 1), np.float32), 1
            self.findings.heard, self.findings.mixed = (0,), self._sources.separate
        return section

    def _settle(self) -> None:
        """Decide the mix of the sections that wait.

        First the tracks are chosen, by all of the sound; then the voices, in the section with the most sound; the other
        sections follow that.
        """
        waiting = [section for section in self._sections if section.weights is None]
        if waiting and not self.findings.heard:
            self.findings.heard = self._choose(waiting)
        for section in sorted(waiting, key=lambda section: -section.audible):
            powers = section.powers / np.float32(max(section.audible, 1))
            groups = self._groups(section, powers)
            self._voices = len(groups)
            section.weights = np.stack([_weights(powers, group) for group in groups])
            section.within = bool(np.abs(section.weights).sum(axis=1).max() <= 1)

    def _choose(self, sections: Sequence[_Section]) -> tuple[int, ...]:
        """The tracks to use: the default one, unless it is silent and another is not."""
        tracks = range(len(sections[0].layout))
        if self._sources.chosen is not None:
            return self._sources.chosen
        if self._sources.together:
            return tuple(tracks)
        samples = max(sum(section.audible for section in sections), 1)
        powers = [sum(_loudest(section, track) for section in sections) / samples for track in tracks]
        least = max(INAUDIBLE, min(AUDIBLE, FAINT * float(np.sqrt(max(powers)))))
        first = self._sources.first
        return (next((track for track in (first, *tracks) if powers[track] > least**2), first),)

    def _groups(self, section: _Section, powers: Float) -> list[list[int]]:
        """The rows of each voice."""
        heard = self.findings.heard
        names = [name for track in section.layout for name in track]
        rows = [row for row, track in enumerate(section.tracks) if track in heard]
        rows = [row for row in rows if names[row] != "LFE"] or rows
        if not self._sources.separate or self._voices == 1:
            return [rows]
        apart = [[row] for row in rows]
        if len(heard) > 1:
            apart = [[row for row in rows if section.tracks[row] == track] for track in heard]
        if self._voices:  # the layout changed: surplus groups join the last voice, missing ones are silent
            fitted = apart + [[]] * self._voices
            return [*fitted[: self._voices - 1], [row for group in fitted[self._voices - 1 :] for row in group]]
        if not 1 < len(apart) <= MAX_VOICES:
            self.findings.mixed = True
            return [rows]
        different = _merged(powers, apart)
        self.findings.equal = different != apart
        return different if sum(map(bool, different)) > 1 else [rows]

    def _mixed(self, item: Block | Pause, section: _Section) -> Samples | Pause:
        if isinstance(item, Pause):
            return item
        samples = item.samples
        alone = len(samples) == self._voices == 1
        if section.weights is not None and not alone and not self._sources.as_they_are:
            sound = samples.astype(np.float32)
            voices = section.weights @ sound
            self._watch.hold(self._position, sound, voices, section.weights, section.tracks)
            samples = (voices if section.within else np.clip(voices, -32768, 32767)).astype(np.int16)
        self._position += samples.shape[1]
        return samples


def _loudest(section: _Section, track: int) -> float:
    """The power of a track's loudest channel."""
    own = [row for row, owner in enumerate(section.tracks) if owner == track]
    return float(section.powers.diagonal()[own].max())


def _weights(powers: Float, rows: Sequence[int]) -> Float:
    """Weights that add rows up to one voice, as loud as the loudest of them; rows in opposite phase are inverted."""
    weights = np.zeros(len(powers), np.float32)
    for row in sorted(rows, key=lambda row: -powers[row, row]):
        together = float(powers[row] @ weights)
        scale = float(np.sqrt(powers[row, row] * (weights @ powers @ weights)))
        weights[row] = -1.0 if together < OPPOSED * scale else 1.0
    loudest = max((float(powers[row, row]) for row in rows), default=0.0)
    total = float(weights @ powers @ weights)
    return weights * np.float32(min(1.0, np.sqrt(loudest / total)) if total > 0 else 1.0)


def _merged(powers: Float, groups: Sequence[list[int]]) -> list[list[int]]:
    """The same groups; one that carries the same sound as an earlier one is added to that, and becomes empty."""
    merged: list[list[int]] = []
    for group in groups:
        weights = _weights(powers, group)
        twin = next((other for other in merged if _correlation(powers, weights, _weights(powers, other)) > EQUAL), None)
        if twin is not None:
            twin += group
        merged.append(list(group) if twin is None else [])
    return merged


def _correlation(powers: Float, one: Float, other: Float) -> float:
    """The absolute correlation of two mixes, given by their weights; 0 where one of them is inaudible."""
    own, others = float(one @ powers @ one), float(other @ powers @ other)
    if min(own, others) < INAUDIBLE**2:
        return 0.0
    return abs(float(one @ powers @ other)) / float(np.sqrt(own * others))
