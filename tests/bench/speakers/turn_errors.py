"""How far a labelling's turns are from the truth: the diarization error rate and its parts.

The rate is taken without a collar, with overlapping speech, in frames of 10 ms. A label counts as that speaker whom it
shares most time with, one to one, so that the sum of all pairs is greatest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from tests.bench.speakers.turns import Turn, speakers_of

FRAMES = 100
"""A second."""

Activity = npt.NDArray[np.bool_]
"""Shape (speakers, frames): who speaks when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnErrors:
    """Seconds of speech, summed over speakers: two who speak at once for a second count as two seconds."""

    speech: float
    miss: float
    false_alarm: float
    confusion: float

    @property
    def rate(self) -> float:
        """The diarization error rate: all errors as a share of the speech."""
        return self.share(self.miss + self.false_alarm + self.confusion)

    def share(self, seconds: float) -> float:
        """Of the speech. Where nobody speaks, any error is infinitely many."""
        if self.speech == 0:
            return 0.0 if seconds == 0 else float("inf")
        return seconds / self.speech


def turn_errors(truth: Sequence[Turn], found: Sequence[Turn]) -> TurnErrors:
    """Compare two lists of turns of one recording; the names of speakers need not be the same."""
    frames = round(max((turn.end for turn in (*truth, *found)), default=0) * FRAMES)
    spoken, labelled = activity(truth, frames), activity(found, frames)
    speakers, labels = spoken.sum(axis=0), labelled.sum(axis=0)
    shared = spoken.astype(np.float32) @ labelled.astype(np.float32).T
    rows, columns = linear_sum_assignment(shared, maximize=True)
    seconds = {
        "speech": speakers.sum(),
        "miss": np.maximum(speakers - labels, 0).sum(),
        "false_alarm": np.maximum(labels - speakers, 0).sum(),
        "confusion": np.minimum(speakers, labels).sum() - shared[rows, columns].sum(),
    }
    return TurnErrors(**{name: float(count) / FRAMES for name, count in seconds.items()})


def activity(turns: Sequence[Turn], frames: int) -> Activity:
    """Frames in which each speaker speaks, in order of their first turn."""
    speakers = {speaker: row for row, speaker in enumerate(speakers_of(turns))}
    active = np.zeros((len(speakers), frames), np.bool_)
    for turn in turns:
        active[speakers[turn.speaker], round(turn.start * FRAMES) : round(turn.end * FRAMES)] = True
    return active
