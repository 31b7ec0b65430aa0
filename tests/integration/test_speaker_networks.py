"""The networks that tell voices apart, and what they are given: the same bits in every company, thread and process."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.catalogue import SPEAKERS
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.speakers.filterbank import BANDS, FRAME, HOP, filterbank
from services.gpu_worker.engine.speakers.grid import HEARING
from services.gpu_worker.engine.speakers.networks import (
    CLASSES,
    EMBED_BATCH,
    EMBED_LENGTHS,
    EMBEDDING,
    FRAMES,
    SEGMENT_BATCH,
    OnnxNetworks,
)
from tests.support.acoustics import Sound, hum, music, quieter, silence, white_noise

Samples = npt.NDArray[np.int16]
Float = npt.NDArray[np.float32]
PATIENCE = 60
CLOSE = 5e-3
"""In the logarithm of a band's power. Real speech comes within 1e-3; a pure tone's far bands do not, in 32 bits."""

SOUNDS: dict[str, Callable[[Sound], Sound]] = {
    "speech": lambda meeting: meeting,
    "loud speech, clipped": lambda meeting: np.clip(30 * meeting, -1, 1),
    "faint speech": lambda meeting: quieter(meeting, 40),
    "speech beside zero": lambda meeting: 0.5 * meeting + 0.5,
    "silence": lambda _: silence(2),
    "hum": lambda _: hum(2),
    "white noise": lambda _: white_noise(2),
    "music": lambda _: music(2),
}


def pcm(sound: Sound) -> Samples:
    return (np.clip(sound, -1, 1) * 32767).astype(np.int16)


def by_definition(samples: Samples) -> npt.NDArray[np.float64]:
    """Kaldi's filterbank, step by step, in numbers of 64 bits."""
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), FRAME)[::HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    frames = frames - 0.97 * np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME) ** 0.85, 512)) ** 2
    mels = 1127 * np.log(1 + np.arange(257) * RATE / 512 / 700)
    edges = np.linspace(1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + 8000 / 700), BANDS + 2)
    triangles = [np.interp(mels, edges[at : at + 3], [0, 1, 0]) for at in range(BANDS)]
    logarithms: npt.NDArray[np.float64] = np.log(np.maximum(power @ np.array(triangles).T, np.finfo(np.float32).eps))
    return logarithms


@pytest.mark.parametrize("name", SOUNDS)
def test_the_filterbank_is_kaldis(meeting: Sound, name: str) -> None:
    samples = pcm(SOUNDS[name](meeting))[: 10 * RATE]
    assert np.abs(filterbank(samples) - by_definition(samples)).max() < CLOSE


@pytest.mark.parametrize(
    ("length", "frames"), [(0, 0), (FRAME - 1, 0), (FRAME, 1), (FRAME + HOP - 1, 1), (FRAME + HOP, 2), (HEARING, 998)]
)
def test_only_whole_frames_are_computed(length: int, frames: int) -> None:
    assert filterbank(np.ones(length, np.int16)).shape == (frames, BANDS)


@pytest.fixture(scope="module")
def networks() -> OnnxNetworks:
    return OnnxNetworks(locate(SPEAKERS).folder)


@pytest.fixture(scope="module")
def windows(meeting: Sound) -> Samples:
    """One of speech, and others of all kinds: shape (n, HEARING)."""
    sounds = [meeting, meeting[HEARING // 2 :], white_noise(10), silence(10)]
    return np.stack([pcm(np.resize(sound, HEARING)) for sound in sounds])


@pytest.fixture(scope="module")
def speech(meeting: Sound) -> Float:
    """What the filterbank gives for all of the meeting."""
    return filterbank(pcm(meeting))


def piece(speech: Float, first: int, frames: int) -> Float:
    taken = speech[first : first + frames]
    centred: Float = taken - taken.mean(axis=0)
    return centred


def likeness(one: Float, other: Float) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_speech_is_heard_and_silence_is_not(networks: OnnxNetworks, windows: Samples) -> None:
    speech, silent = np.exp(networks.segment(windows[[0, 3]]))
    assert speech.shape == (FRAMES, CLASSES)
    assert np.abs(speech.sum(axis=1) - 1).max() < 1e-4
    assert (speech[:, 0] < 0.5).mean() > 0.5
    assert silent[:, 0].min() > 0.9


def test_a_windows_result_has_the_same_bits_in_every_company_and_place(
    networks: OnnxNetworks, windows: Samples
) -> None:
    alone = networks.segment(np.concatenate([windows[:1], np.zeros((SEGMENT_BATCH - 1, HEARING), np.int16)]))[0]
    for other in windows:
        for place in range(SEGMENT_BATCH):
            batch = np.stack([other] * SEGMENT_BATCH)
            batch[place] = windows[0]
            assert networks.segment(batch)[place].tobytes() == alone.tobytes()


@pytest.mark.parametrize("frames", EMBED_LENGTHS)
def test_a_pieces_result_has_the_same_bits_in_every_company_and_place(
    networks: OnnxNetworks, speech: Float, frames: int
) -> None:
    one = piece(speech, 0, frames)
    alone = networks.embed(np.concatenate([one[None], np.zeros((EMBED_BATCH - 1, frames, BANDS), np.float32)]))[0]
    for other in (one, piece(speech, 500, frames), 50 * one):
        for place in range(EMBED_BATCH):
            batch = np.stack([other] * EMBED_BATCH)
            batch[place] = one
            assert networks.embed(batch)[place].tobytes() == alone.tobytes()


def test_a_piece_that_is_repeated_is_like_the_piece_itself(networks: OnnxNetworks, speech: Float) -> None:
    second = piece(speech, 100, 100)
    itself = networks.embed(np.stack([second] * EMBED_BATCH))[0]
    repeated = networks.embed(np.stack([np.tile(second, (2, 1))] * EMBED_BATCH))[0]
    assert itself.shape == (EMBEDDING,)
    assert likeness(itself, repeated) > 0.9


def test_threads_compute_the_same_bits_side_by_side(networks: OnnxNetworks, windows: Samples, speech: Float) -> None:
    def compute(_: int) -> tuple[bytes, bytes]:
        batch = np.stack([piece(speech, 0, 100)] * EMBED_BATCH)
        return networks.segment(windows[:SEGMENT_BATCH]).tobytes(), networks.embed(batch).tobytes()

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(compute, range(8)))) == 1


def test_other_threads_run_while_a_network_computes(networks: OnnxNetworks, speech: Float) -> None:
    batch = np.stack([piece(speech, 0, EMBED_LENGTHS[-1])] * EMBED_BATCH)
    turns = 0

    def turns_meanwhile() -> int:
        before = turns
        networks.embed(batch)
        return turns - before

    with ThreadPoolExecutor(1) as thread:
        for _ in range(20):  # on a busy machine this thread may have to wait for a while
            under_way = thread.submit(turns_meanwhile)
            while not under_way.done():
                turns += 1
                time.sleep(0)
            if under_way.result() > 10:
                return
    pytest.fail("no other thread had a turn")


def told(connection: Connection, networks: OnnxNetworks, windows: Samples) -> None:
    """Runs in a process that was forked from one which has computed."""
    found = networks.segment(windows)
    connection.send((len(list(Path("/proc/self/task").iterdir())), found.tobytes()))


def test_a_forked_process_computes_the_same_on_one_thread(networks: OnnxNetworks, windows: Samples) -> None:
    expected = networks.segment(windows[:SEGMENT_BATCH]).tobytes()
    ours, theirs = multiprocessing.Pipe()
    arguments = (theirs, networks, windows[:SEGMENT_BATCH])
    process = multiprocessing.get_context("fork").Process(target=told, args=arguments)
    process.start()
    assert ours.poll(PATIENCE)
    assert ours.recv() == (1, expected)
    process.join()


def test_another_shape_is_refused(networks: OnnxNetworks) -> None:
    with pytest.raises(ValueError, match="shape"):
        networks.segment(np.zeros((SEGMENT_BATCH + 1, HEARING), np.int16))
    with pytest.raises(ValueError, match="shape"):
        networks.embed(np.zeros((EMBED_BATCH, EMBED_LENGTHS[0] + 1, BANDS), np.float32))
