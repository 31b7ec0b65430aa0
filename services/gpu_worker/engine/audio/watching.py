"""Compares a whole recording with the mix that was decided from its first minute, and notes where it is wrong. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.audio.sound import RATE

Float = npt.NDArray[np.float32]
AUDIBLE, INAUDIBLE = 100.0, 10.0
"""Root mean squares of 16 bit samples (-50 and -70 dB): above the first sound is surely audible, below the second
surely not."""
DIFFERENT = 0.7
"""Correlation under which channels do not carry the same sound."""
CANCELLED = 0.1
"""Share of the expected level: a mix that is quieter has lost what was said."""
WATCHED = RATE // 4
"""Samples of each block that are looked at; to look at all would take a tenth of the reading's time."""
LEAST = 3 * RATE
"""Samples that a condition must last before it is noted."""
LEAST_ALONE = 10 * RATE
"""The same for a track that is left out and has sound alone: dubbed versions pause at different times."""


@dataclass(slots=True)
class Findings:
    """What was found out about the mix; positions are in samples of sound."""

    heard: tuple[int, ...] = ()
    """Indices of the tracks of which the voices are made."""
    mixed: bool = False
    """Whether separate voices were asked for, but there is one channel, or more than can be kept separate."""
    equal: bool = False
    """Whether some of the voices that were asked for carry the same sound."""
    cancelled_at: int | None = None
    """Where channels begin to cancel each other out in the mix."""
    differ_at: int | None = None
    """Where voices that carried the same sound, and were made one, begin to differ."""
    left_out_at: int | None = None
    """Where a track that is left out begins to have sound alone."""
    left_out: int = 0
    """The index of that track."""


@dataclass(slots=True)
class _Spell:
    """How long a condition has lasted, and since when, in samples."""

    least: int
    began: int = 0
    lasted: int = 0

    def add(self, position: int, count: int) -> int | None:
        """The condition holds in a block; returns where it began, once it has lasted for `least`, else None."""
        self.began = self.began if self.lasted else position
        self.lasted += count
        return self.began if self.lasted >= self.least else None

    def end(self) -> None:
        self.lasted = 0


class Watch:
    """Compares each block with the mix that was decided."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._cancelled, self._different, self._alone = _Spell(LEAST), _Spell(LEAST), _Spell(LEAST_ALONE)

    def hold(self, position: int, sound: Float, voices: Float, weights: Float, tracks: Sequence[int]) -> None:
        """Compare one block with its mix.

        Args:
            position: where the block begins, in samples of sound.
            sound: shape (rows, n), one channel a row.
            voices: what was mixed of it, shape (voices, n).
            weights: of each row in each voice, shape (voices, rows).
            tracks: the index of each row's track.

        """
        count = sound.shape[1]
        sound, voices = sound[:, :WATCHED], voices[:, :WATCHED]
        levels, loudness = _levels(sound), _levels(voices)
        if levels.max() < AUDIBLE:
            return
        findings = self._findings
        expected = np.max(np.abs(weights) * levels, axis=1)
        if not ((expected > INAUDIBLE) & (loudness < CANCELLED * expected)).any():
            self._cancelled.end()
        elif findings.cancelled_at is None:
            findings.cancelled_at = self._cancelled.add(position, count)
        if findings.equal and self._differ(sound, levels, tracks):
            findings.differ_at = self._different.add(position, count)
        loudest = tracks[int(levels.argmax())]
        if loudness.max() >= INAUDIBLE:
            self._alone.end()
        elif loudest not in findings.heard and findings.left_out_at is None:
            findings.left_out_at, findings.left_out = self._alone.add(position, count), loudest

    def _differ(self, sound: Float, levels: Float, tracks: Sequence[int]) -> bool:
        """Whether one of the rows that are used differs from another, or is silent while the other is not."""
        own = [row for row, track in enumerate(tracks) if track in self._findings.heard]
        if len(own) < 2 or levels[own].max() < AUDIBLE:  # noqa: PLR2004 - one has nothing to differ from
            return False
        with np.errstate(invalid="ignore"):
            return bool(np.nan_to_num(np.abs(np.corrcoef(sound[own]))).min() < DIFFERENT)


def _levels(sound: Float) -> Float:
    """The root mean square of each row, without its constant offset; shape (rows,)."""
    count = np.float32(sound.shape[1])
    squares = [max(0.0, row @ row / count - (row.sum() / count) ** 2) for row in sound]
    return np.sqrt(np.array(squares, np.float32))
