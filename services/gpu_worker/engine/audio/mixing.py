"""Which tracks are heard, and how their channels become one voice, or several. Pure.

Everything is settled from the first minute of sound, by the channels' powers and how they go together, so that every
reader of a recording settles alike. What comes later is held against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.audio.samples import Block, Names, Pause, Samples
from services.gpu_worker.engine.plan import RATE

Float = npt.NDArray[np.float32]
SETTLING = 60 * RATE
"""Samples with sound in them, in any track, from which everything is settled."""
MOST_WAITING = 64 * 2**20
"""Bytes that are held back for that at most: a long silence may come first."""
MOST_VOICES = 8
AUDIBLE, INAUDIBLE = 100.0, 10.0
"""Root mean squares of 16 bit samples (-50 and -70 dB): surely heard, and surely not. Between the two a channel is
heard unless it has less than FAINT of the loudest one's: noise of an open line."""
FAINT = 0.01
OPPOSED = -0.3
"""Correlation from which a channel is turned round before it is added to others."""
EQUAL = 0.98
"""Correlation from which two voices are the same."""
CANCELLED = 0.1
"""Of the loudest channel: a mix as quiet as that has lost what was said."""
LEAST_SAMPLES = 3 * RATE
"""In which something is otherwise than it was settled, before it is told."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What is known of the tracks before they are heard; tracks by index."""

    first: int = 0
    """The file's default track."""
    together: bool = False
    """Whether they belong together, as the microphones of one recording do."""
    chosen: tuple[int, ...] | None = None
    """Tracks that were asked for, whatever is in them."""
    separate: bool = False
    as_they_are: bool = False
    """Every channel is a voice, without looking: the file is one of ours."""


@dataclass(slots=True)
class Findings:
    """What is worth telling; positions in samples of sound."""

    heard: tuple[int, ...] = ()
    """Tracks of which the voices are made."""
    mixed: bool = False
    """Voices were asked for, and there is one channel, or more than can be told apart."""
    equal: bool = False
    """Some of the voices that were asked for carry the same."""
    cancelled_at: int | None = None
    """Where channels begin to cancel each other, against what was settled."""
    left_out_at: int | None = None
    """Where a track that is left out begins to be heard alone."""
    left_out: int = 0
    """That track."""


class Mixer:
    """Blocks of all channels in; blocks of voices out, shape (voices, samples)."""

    def __init__(self, sources: Sources) -> None:
        self.findings = Findings()
        self._sources = sources
        self._voices = 0
        self._layout: tuple[Names, ...] = ()
        self._tracks: list[int] = []
        self._weights: Float | None = None
        self._within = True
        self._powers: Float = np.zeros((0, 0), np.float32)
        self._waiting: list[Block | Pause] = []
        self._audible = self._bytes = 0
        self._position = self._cancelled = self._alone = 0

    def push(self, item: Block | Pause) -> Iterator[Samples | Pause]:
        """Take what comes next; give what is settled."""
        if isinstance(item, Block) and item.layout != self._layout:
            yield from self.finish()
            self._begin(item.layout)
        if self._weights is not None:
            yield self._mixed(item)
            return
        self._waiting.append(item)
        if isinstance(item, Block) and self._enough(item.samples):
            yield from self.finish()

    def finish(self) -> Iterator[Samples | Pause]:
        """Settle by what there is, and give it."""
        if self._waiting and self._weights is None:
            self._weights = self._settled()
        waiting, self._waiting = self._waiting, []
        for item in waiting:
            yield self._mixed(item)

    def _begin(self, layout: tuple[Names, ...]) -> None:
        rows = sum(map(len, layout))
        self._layout = layout
        self._tracks = [track for track, names in enumerate(layout) for _ in names]
        self._weights = np.eye(rows, dtype=np.float32) if self._sources.as_they_are else None
        self._powers = np.zeros((rows, rows), np.float32)
        self._audible = self._bytes = 0
        if rows == 1 and self._voices <= 1:
            self._weights = self._settled()

    def _enough(self, samples: Samples) -> bool:
        sound = samples.astype(np.float32)
        powers = sound @ sound.T
        self._powers += powers
        self._bytes += samples.nbytes
        if powers.diagonal().max() > INAUDIBLE**2 * samples.shape[1]:
            self._audible += samples.shape[1]
        return self._audible >= SETTLING or self._bytes >= MOST_WAITING

    def _settled(self) -> Float:
        """The weight of each row in each voice, shape (voices, rows)."""
        powers = self._powers / np.float32(max(self._audible, 1))
        heard = self.findings.heard or self._choose(np.sqrt(powers.diagonal()))
        groups = self._groups(powers, heard)
        self.findings.heard = heard
        self._voices = len(groups)
        weights = np.stack([_weights(powers, group) for group in groups])
        self._within = bool(np.abs(weights).sum(axis=1).max() <= 1)
        return weights

    def _choose(self, levels: Float) -> tuple[int, ...]:
        """The tracks to be heard: the default one, unless it is silent and another is not."""
        tracks = range(len(self._layout))
        if self._sources.chosen is not None:
            return self._sources.chosen
        if self._sources.together:
            return tuple(tracks)
        least = max(INAUDIBLE, min(AUDIBLE, FAINT * float(levels.max())))
        loudness = [max(level for level, owner in zip(levels, self._tracks, strict=True) if owner == t) for t in tracks]
        first = self._sources.first
        return (next((track for track in (first, *tracks) if loudness[track] > least), first),)

    def _groups(self, powers: Float, heard: Sequence[int]) -> list[list[int]]:
        """The rows of each voice."""
        names = [name for track in self._layout for name in track]
        rows = [row for row, track in enumerate(self._tracks) if track in heard]
        rows = [row for row in rows if names[row] != "LFE"] or rows
        if not self._sources.separate or self._voices == 1:
            return [rows]
        apart = [[row] for row in rows]
        if len(heard) > 1:
            apart = [[row for row in rows if self._tracks[row] == track] for track in heard]
        if self._voices:  # the layout changed: what is too many joins the last voice, what is missing is silent
            fitted = apart + [[]] * self._voices
            return [*fitted[: self._voices - 1], [row for group in fitted[self._voices - 1 :] for row in group]]
        if not 1 < len(apart) <= MOST_VOICES:
            self.findings.mixed = True
            return [rows]
        different = _merged(powers, apart)
        self.findings.equal = different != apart
        return different if sum(map(bool, different)) > 1 else [rows]

    def _mixed(self, item: Block | Pause) -> Samples | Pause:
        if isinstance(item, Pause):
            return item
        samples = item.samples
        alone = len(samples) == self._voices == 1
        if self._weights is not None and not alone and not self._sources.as_they_are:
            sound = samples.astype(np.float32)
            voices = self._weights @ sound
            self._watch(sound, voices, self._weights)
            samples = (voices if self._within else np.clip(voices, -32768, 32767)).astype(np.int16)
        self._position += samples.shape[1]
        return samples

    def _watch(self, sound: Float, voices: Float, weights: Float) -> None:
        """Hold what comes against what was settled."""
        count = sound.shape[1]
        levels, loudness = _levels(sound), _levels(voices)
        if levels.max() < AUDIBLE:
            return
        expected = np.max(np.abs(weights) * levels, axis=1)
        if ((expected > INAUDIBLE) & (loudness < CANCELLED * expected)).any():
            self._cancelled += count
            if self._cancelled >= LEAST_SAMPLES and self.findings.cancelled_at is None:
                self.findings.cancelled_at = self._position + count - self._cancelled
        loudest = self._tracks[int(levels.argmax())]
        if loudest not in self.findings.heard and loudness.max() < INAUDIBLE:
            self._alone += count
            if self._alone >= LEAST_SAMPLES and self.findings.left_out_at is None:
                self.findings.left_out_at = self._position + count - self._alone
                self.findings.left_out = loudest


def _levels(sound: Float) -> Float:
    """Root mean square of each row."""
    return np.asarray(np.sqrt(np.array([row @ row for row in sound], np.float32) / np.float32(sound.shape[1])))


def _weights(powers: Float, rows: Sequence[int]) -> Float:
    """Weights that add up rows to one voice, as loud as the loudest of them; opposed rows are turned round first."""
    weights = np.zeros(len(powers), np.float32)
    for row in sorted(rows, key=lambda row: -powers[row, row]):
        together = float(powers[row] @ weights)
        scale = float(np.sqrt(powers[row, row] * (weights @ powers @ weights)))
        weights[row] = -1.0 if together < OPPOSED * scale else 1.0
    loudest = max((float(powers[row, row]) for row in rows), default=0.0)
    total = float(weights @ powers @ weights)
    return weights * np.float32(min(1.0, np.sqrt(loudest / total)) if total > 0 else 1.0)


def _merged(powers: Float, groups: Sequence[list[int]]) -> list[list[int]]:
    """The same voices, those that carry what an earlier one does added to it."""
    merged: list[list[int]] = []
    for group in groups:
        weights = _weights(powers, group)
        twin = next((other for other in merged if _correlation(powers, weights, _weights(powers, other)) > EQUAL), None)
        if twin is not None:
            twin += group
        merged.append(list(group) if twin is None else [])
    return merged


def _correlation(powers: Float, one: Float, other: Float) -> float:
    """Of two mixes, whichever way round; 0 where one is inaudible."""
    own, others = float(one @ powers @ one), float(other @ powers @ other)
    if min(own, others) < INAUDIBLE**2:
        return 0.0
    return abs(float(one @ powers @ other)) / float(np.sqrt(own * others))
