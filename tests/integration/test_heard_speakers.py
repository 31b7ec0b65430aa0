"""Sound becomes turns with the real networks: one voice is one speaker, and music and noise are none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from services.gpu_worker.engine.decode.catalogue import SPEAKERS
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.speakers.grid import STEP, WINDOW
from services.gpu_worker.engine.speakers.networks import OnnxNetworks
from services.gpu_worker.engine.speakers.observations import Observation
from services.gpu_worker.engine.speakers.observing import observe
from services.gpu_worker.engine.speakers.spoken_turns import SpeakerTurn, speaker_turns
from tests.support.acoustics import Sound, hum, music, white_noise

Samples = npt.NDArray[np.int16]


@pytest.fixture(scope="module")
def networks() -> OnnxNetworks:
    return OnnxNetworks(locate(SPEAKERS).folder)


def windows_of(sound: Sound) -> list[Samples]:
    samples = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
    padded = np.pad(samples, (0, WINDOW))
    return [padded[start : start + WINDOW] for start in range(0, len(samples), STEP)]


def turns(observations: Sequence[Observation]) -> tuple[SpeakerTurn, ...]:
    return speaker_turns(observations, [(0, len(observations) * STEP + WINDOW)])


def test_one_voice_is_one_speaker(networks: OnnxNetworks, meeting: Sound) -> None:
    found = turns(observe(networks, windows_of(meeting)))
    assert {turn.speaker for turn in found} == {0}
    assert sum(turn.end - turn.start for turn in found) > 15 * 16_000


def test_music_hum_and_noise_are_nobody(networks: OnnxNetworks) -> None:
    sound = np.concatenate([music(10), hum(10), white_noise(10)])
    assert turns(observe(networks, windows_of(sound))) == ()


def test_a_windows_observation_is_the_same_in_every_company(networks: OnnxNetworks, meeting: Sound) -> None:
    windows = windows_of(meeting[: 25 * 16_000])
    together = observe(networks, windows)
    assert [observe(networks, [window])[0] for window in windows] == together
    assert observe(networks, windows[::-1])[::-1] == together
