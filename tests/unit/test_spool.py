"""The spool: what is announced lies in it, and a clip is cut out of it to the sample."""

from __future__ import annotations

import threading
from pathlib import Path

import av
import numpy as np
import pytest

from services.gpu_worker.engine.audio.sound import RATE, MediaInfo
from services.gpu_worker.engine.plan import part_audio
from services.gpu_worker.engine.plan.part_audio import cut_parts
from services.gpu_worker.engine.plan.plan import Clip, Plan, PlannedPart
from services.gpu_worker.engine.plan.spool import Sound, spooled, voice_file
from services.gpu_worker.engine.stopping import StoppedError

LENGTH = 1_000
SOUND = np.arange(2 * LENGTH, dtype=np.int16).reshape(2, LENGTH)
"""Two voices, in which each sample is another number."""


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    for _ in spooled(iter(np.split(SOUND, [100, 101, 700], axis=1)), folder):
        pass
    return folder


def samples(sound: bytes) -> list[int]:
    return [int(sample) for sample in np.frombuffer(sound, np.int16)]


def test_a_block_is_given_once_its_samples_are_in_the_spool(tmp_path: Path) -> None:
    kept = 0
    for block in spooled(iter(np.split(SOUND, 4, axis=1)), tmp_path):
        kept += block.shape[1]
        for voice in (0, 1):
            assert samples(voice_file(tmp_path, voice).read_bytes()) == SOUND[voice, :kept].tolist()
    assert kept == LENGTH


@pytest.mark.parametrize("voice", [0, 1])
def test_a_clip_is_its_spans_of_its_voice_laid_end_to_end(spool: Path, voice: int) -> None:
    clip = Clip(0, voice, ((10, 20), (500, 503)))
    assert samples(Sound(clip, spool).read()) == [*SOUND[voice, 10:20], *SOUND[voice, 500:503]]


def test_a_clip_of_a_part_is_cut_where_it_lies_in_the_parts_own_spool(spool: Path) -> None:
    assert samples(Sound(Clip(0, 0, ((5_010, 5_013),)), spool, offset=5_000).read()) == [10, 11, 12]


def test_what_a_codec_rounds_away_at_the_end_is_silence(spool: Path) -> None:
    clip = Clip(0, 0, ((LENGTH - 2, LENGTH + 3),))
    assert samples(Sound(clip, spool).read()) == [LENGTH - 2, LENGTH - 1, 0, 0, 0]


def plan() -> Plan:
    source = MediaInfo(container="wav", codec="pcm", rate=RATE, channels=2, declared_seconds=LENGTH / RATE)
    parts = (PlannedPart(0, 0, 600, 0, 0), PlannedPart(1, 600, LENGTH, 0, 0))
    return Plan(samples=LENGTH, channels=2, language="sv", speech=0, clips=(), parts=parts, source=source)


def test_a_parts_file_has_its_samples_and_those_of_its_last_window(
    spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as the recording has any."""
    monkeypatch.setattr(part_audio, "WINDOW", 300)
    cut_parts(plan(), spool, tmp_path, stop=threading.Event())
    for part, end in zip(plan().parts, (900, LENGTH), strict=True):
        with av.open(str(tmp_path / f"{part.index}.flac")) as file:
            blocks = [frame.to_ndarray().reshape(-1, 2).T for frame in file.decode(audio=0)]
        assert np.array_equal(np.concatenate(blocks, axis=1), SOUND[:, part.start : end])


def test_a_stop_ends_the_cutting(spool: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        cut_parts(plan(), spool, tmp_path, stop=stop)
