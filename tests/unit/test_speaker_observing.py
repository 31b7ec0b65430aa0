"""Windows are heard with networks that answer as told: who speaks when, and which pieces of it are described."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.speakers.grid import HEARING, HEARINGS, WINDOW
from services.gpu_worker.engine.speakers.levels import likelihood
from services.gpu_worker.engine.speakers.networks import (
    CLASSES,
    EMBED_BATCH,
    EMBED_LENGTHS,
    EMBEDDING,
    FRAMES,
    SEGMENT_BATCH,
)
from services.gpu_worker.engine.speakers.observations import MIDDLE, TICKS, Observation, Track
from services.gpu_worker.engine.speakers.observing import observe
from services.gpu_worker.engine.speakers.runs import runs

Float = npt.NDArray[np.float32]
Samples = npt.NDArray[np.int16]

NOBODY, FIRST, SECOND, BOTH = 0, 1, 2, 4
"""Classes of segmentation."""


class ToldNetworks:
    """The first sample of a hearing says which of `scripts` it follows, and the next how many seconds later it begins.

    A voice is the mean and spread of its bands.
    """

    def __init__(self, *scripts: list[tuple[float, float, int]]) -> None:
        self.scripts = scripts
        self.lengths: list[int] = []

    def segment(self, windows: Samples) -> Float:
        assert windows.shape == (SEGMENT_BATCH, HEARING)
        answers = np.full((SEGMENT_BATCH, FRAMES, CLASSES), -20, np.float32)
        answers[:, :, NOBODY] = 0
        for answer, window in zip(answers, windows, strict=True):
            later = window[1] / 10
            for start, end, spoken in self.scripts[int(window[0])]:
                frames = slice(*(max(0, round((edge - later) * FRAMES / 10)) for edge in (start, end)))
                answer[frames] = -20
                answer[frames, spoken] = 0
        return answers

    def embed(self, features: Float) -> Float:
        assert features.shape[0] == EMBED_BATCH
        assert features.shape[1] in EMBED_LENGTHS
        assert np.abs(features.mean(axis=1)).max() < 1e-3
        self.lengths.append(features.shape[1])
        return np.concatenate([features.std(axis=1), features.max(axis=1), features.min(axis=1)[:, :32]], axis=1)


def window(script: int) -> Samples:
    samples = np.random.default_rng(script).integers(-3_000, 3_000, WINDOW).astype(np.int16)
    for start in HEARINGS:
        samples[start : start + 2] = script, start * 10 // RATE
    return samples


def heard(script: list[tuple[float, float, int]], hearing: int = 0) -> list[Track]:
    (observation,) = observe(ToldNetworks(script), [window(0)])
    return [track for track in observation.tracks if track.hearing == hearing]


def spans(track: Track) -> tuple[tuple[int, int], ...]:
    return runs(likelihood(track.levels) > 0.5)


def test_a_window_of_one_voice_has_its_middle_described_once() -> None:
    (track,) = heard([(0, 10, FIRST)])
    assert spans(track) == ((0, TICKS),)
    assert [(piece.start, piece.end) for piece in track.pieces] == [(250, 417), (417, 584), (584, 750)]
    assert all(piece.alone and len(piece.voice) == EMBEDDING for piece in track.pieces)


def test_a_window_is_heard_again_later_and_not_described_twice() -> None:
    (track,) = heard([(4, 12, FIRST)], hearing=1)
    ((start, end),) = spans(track)
    assert abs(start - 150) <= 3
    assert abs(end - 950) <= 3
    assert track.pieces == ()


def test_each_of_two_voices_has_its_own_track() -> None:
    first, second = heard([(1, 4, FIRST), (4.5, 7.5, SECOND)])
    assert [abs(edge - at) <= 3 for edge, at in zip(spans(first)[0], (100, 400), strict=True)] == [True, True]
    assert [abs(edge - at) <= 3 for edge, at in zip(spans(second)[0], (450, 750), strict=True)] == [True, True]
    assert all(piece.end <= 405 for piece in first.pieces)
    assert all(piece.start >= 445 for piece in second.pieces)


def test_what_two_say_at_once_describes_neither() -> None:
    first, second = heard([(2, 4, FIRST), (4, 6, BOTH), (6, 8, SECOND)])
    assert sum(piece.length for piece in first.pieces) <= 205
    assert all(piece.alone for piece in (*first.pieces, *second.pieces))


def test_who_never_speaks_alone_is_described_all_the_same() -> None:
    _, second = heard([(0, 4, FIRST), (4, 6, BOTH), (6, 10, FIRST)])
    assert [piece.alone for piece in second.pieces] == [False]


def test_who_says_little_in_the_middle_is_described_by_the_margins_too() -> None:
    (track,) = heard([(0, 3, FIRST)])
    assert sum(piece.length for piece in track.pieces) == 150
    assert track.pieces[0].start < MIDDLE[0]


def test_a_syllable_is_a_track_without_a_piece_and_a_click_is_none() -> None:
    (track,) = heard([(5, 5.3, FIRST), (7, 7.05, SECOND)])
    assert track.pieces == ()


def test_silence_has_no_tracks() -> None:
    assert observe(ToldNetworks([]), [window(0)]) == [Observation()]


def test_company_changes_nothing() -> None:
    scripts: tuple[list[tuple[float, float, int]], ...] = (
        [(0, 10, FIRST)],
        [(1, 4, FIRST), (4.5, 7.5, SECOND)],
        [(2, 3, SECOND)],
    )
    alone = [observe(ToldNetworks(*scripts), [window(script)])[0] for script in range(3)]
    together = observe(ToldNetworks(*scripts), [window(script) for script in (2, 0, 1, 0, 2)])
    assert together == [alone[2], alone[0], alone[1], alone[0], alone[2]]


def test_pieces_have_the_lengths_that_the_networks_take() -> None:
    networks = ToldNetworks([(0, 10, FIRST)], [(5, 5.6, FIRST)], [(3, 5.2, SECOND)])
    observe(networks, [window(0), window(1), window(2)])
    assert set(networks.lengths) == {100, 150, 200}
