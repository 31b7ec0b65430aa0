"""Whether what comes later bears out what was settled from the first minute; where it does not, it is told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.audio.sound import RATE

Float = npt.NDArray[np.float32]
AUDIBLE, INAUDIBLE = 100.0, 10.0
"""Root mean squares of 16 bit samples (-50 and -70 dB): surely heard, and surely not."""
DIFFERENT = 0.7
"""Correlation under which channels do not carry the same."""
CANCELLED = 0.1
"""Of the loudest channel: a mix as quiet as that has lost what was said."""
WATCHED = RATE // 4
"""Samples of each block that are looked at; all would cost a tenth of the reading."""
LEAST = 3 * RATE
"""Samples in which something is so before it is told."""
LEAST_ALONE = 10 * RATE
"""The same for a track that is left out and heard alone: dubs pause at different times."""


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
    differ_at: int | None = None
    """Where voices that carried the same, and were made one, begin to differ."""
    left_out_at: int | None = None
    """Where a track that is left out begins to be heard alone."""
    left_out: int = 0
    """That track."""


@dataclass(slots=True)
class _Spell:
    """How long something has been so, and since when, in samples."""

    least: int
    began: int = 0
    lasted: int = 0

    def add(self, position: int, count: int) -> int | None:
        """It is so in a block; gives where that began, once it has lasted."""
        self.began = self.began if self.lasted else position
        self.lasted += count
        return self.began if self.lasted >= self.least else None

    def end(self) -> None:
        self.lasted = 0


class Watch:
    """Holds each block against what was settled."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._cancelled, self._different, self._alone = _Spell(LEAST), _Spell(LEAST), _Spell(LEAST_ALONE)

    def hold(self, position: int, sound: Float, voices: Float, weights: Float, tracks: Sequence[int]) -> None:
        """`sound`, shape (rows, n), became `voices`, shape (voices, n), by `weights`; `tracks` are the rows' owners."""
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
        """Whether one of the rows that are heard carries something else than another, or nothing while it does not."""
        own = [row for row, track in enumerate(tracks) if track in self._findings.heard]
        if len(own) < 2 or levels[own].max() < AUDIBLE:  # noqa: PLR2004 - one has nothing to differ from
            return False
        with np.errstate(invalid="ignore"):
            return bool(np.nan_to_num(np.abs(np.corrcoef(sound[own]))).min() < DIFFERENT)


def _levels(sound: Float) -> Float:
    """Root mean square of each row, without its offset."""
    count = np.float32(sound.shape[1])
    squares = [max(0.0, row @ row / count - (row.sum() / count) ** 2) for row in sound]
    return np.sqrt(np.array(squares, np.float32))
