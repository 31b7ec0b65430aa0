"""What a telephone adds to all voices alike is taken away, and little else."""

from __future__ import annotations

import numpy as np

from services.gpu_worker.engine.speakers.joining import Float
from services.gpu_worker.engine.speakers.telephone import without_telephone
from tests.support.heard import NUMBERS, people


def telephone() -> Float:
    """The direction, found from outside: what is left out of a voice."""
    voice = people(1)[0]
    kept = without_telephone(voice[None])[0]
    gone = voice - (voice @ kept) * kept
    return np.asarray(gone / np.linalg.norm(gone), np.float32)


def test_voices_are_the_same_on_a_telephone() -> None:
    voices = people(5)
    moved = voices + np.float32(0.7) * telephone()
    assert np.abs(without_telephone(moved) - without_telephone(voices)).max() < 1e-5


def test_people_stay_as_unlike_as_they_were() -> None:
    voices = people(8)
    kept = without_telephone(voices)
    assert np.abs(kept @ kept.T - voices @ voices.T).max() < 0.1


def test_a_voice_of_nothing_but_a_telephone_is_no_error() -> None:
    assert np.isfinite(without_telephone(np.stack([telephone(), np.zeros(NUMBERS, np.float32)]))).all()
