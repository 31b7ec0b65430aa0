"""One byte for each twentieth of a second: how loud a recording is."""

from __future__ import annotations

import gzip
from collections.abc import Sequence

import numpy as np
import pytest

from services.gpu_worker.engine.audio.samples import Samples
from services.gpu_worker.engine.listening.peaks import BIN, Peaks


def bytes_of(*items: Samples | int) -> list[int]:
    """The peaks of blocks, and of pauses of so many samples."""
    peaks = Peaks()
    for item in items:
        if isinstance(item, int):
            peaks.pause(item)
        else:
            peaks.push(item)
    return list(gzip.decompress(peaks.packed()))


def mono(*samples: int) -> Samples:
    return np.array([samples], np.int16)


def test_a_byte_is_the_loudest_sample_of_its_time_in_any_voice_whatever_its_sign() -> None:
    block = np.zeros((2, 3 * BIN), np.int16)
    block[0, 5], block[1, BIN + 1], block[1, 3 * BIN - 1] = 16_384, -8_192, 100
    assert bytes_of(block) == [128, 64, 1]


@pytest.mark.parametrize(("sample", "byte"), [(32_767, 255), (-32_768, 255), (0, 0), (64, 0), (65, 1), (-3_277, 26)])
def test_full_scale_is_255(sample: int, byte: int) -> None:
    assert bytes_of(np.full((1, BIN), sample, np.int16)) == [byte]


def test_the_last_byte_may_stand_for_less_than_a_twentieth_of_a_second() -> None:
    assert bytes_of(mono(*[0] * BIN, 32_767)) == [0, 255]
    assert bytes_of() == []


@pytest.mark.parametrize("cuts", [(1,), (BIN,), (BIN - 1, BIN + 1), (3, 4, 5, 2 * BIN + 7), (7 * BIN - 1,)])
def test_the_bytes_do_not_depend_on_how_the_sound_comes(cuts: Sequence[int]) -> None:
    sound = np.random.default_rng(1).integers(-32_768, 32_768, (3, 7 * BIN + 11)).astype(np.int16)
    pieces = np.split(sound, cuts, axis=1)
    assert bytes_of(*pieces) == bytes_of(sound)


@pytest.mark.parametrize("pause", [1, 400, BIN - 300, BIN, 5 * BIN + 13, 1000 * BIN])
def test_a_pause_is_silence_on_the_clock(pause: int) -> None:
    before, after = mono(*[9_000] * 300), mono(*[20_000] * (BIN + 9))
    whole = np.concatenate([before, np.zeros((1, pause), np.int16), after], axis=1)
    assert bytes_of(before, pause, after) == bytes_of(whole)
