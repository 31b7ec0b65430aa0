"""Pieces of several tracks on one axis of time."""

from __future__ import annotations

import numpy as np
import pytest

from services.gpu_worker.engine.audio.alignment import EDGE, MOST_LAG, Alignment
from services.gpu_worker.engine.audio.samples import LONGEST_SILENCE, Block, Pause, Piece
from services.gpu_worker.engine.audio.sound import RATE

MONO, STEREO = ("FC",), ("FL", "FR")


def piece(start: int, length: int, value: int, names: tuple[str, ...] = MONO) -> Piece:
    return Piece(start, np.full((len(names), length), value, np.int16), names)


def laid_out(items: list[Block | Pause]) -> np.ndarray:
    """All blocks and pauses, shape (channels, samples)."""
    channels = next(len(item.samples) for item in items if isinstance(item, Block))
    return np.concatenate(
        [item.samples if isinstance(item, Block) else np.zeros((channels, item.samples), np.int16) for item in items],
        axis=1,
    )


def test_pieces_of_tracks_that_come_at_different_times_meet_where_they_belong() -> None:
    alignment = Alignment([MONO, STEREO])
    items = [*alignment.push(0, piece(0, 1000, 1)), *alignment.push(0, piece(1000, 1000, 2))]
    assert not items
    items += alignment.push(1, piece(500, 2000, 3, STEREO))
    items += alignment.finish()
    sound = laid_out(items)
    assert sound.shape == (3, 2500)
    assert [list(np.unique(row, return_index=True)[1]) for row in sound] == [[2000, 0, 1000], [0, 500], [0, 500]]


def test_a_hole_of_some_seconds_is_silence() -> None:
    alignment = Alignment([MONO])
    items = [*alignment.push(0, piece(0, RATE, 1)), *alignment.push(0, piece(RATE + LONGEST_SILENCE, RATE, 2))]
    assert not any(isinstance(item, Pause) for item in items)
    assert laid_out(items).shape[1] == 2 * RATE + LONGEST_SILENCE


@pytest.mark.parametrize("hours", [1, 100])
def test_a_long_pause_is_a_number_with_silence_at_its_edges(hours: int) -> None:
    alignment = Alignment([MONO])
    start = RATE + hours * 3600 * RATE
    items = [*alignment.push(0, piece(0, RATE, 1)), *alignment.push(0, piece(start, RATE, 2))]
    pauses = [item.samples for item in items if isinstance(item, Pause)]
    assert pauses == [hours * 3600 * RATE - 2 * EDGE]
    assert sum(item.samples.shape[1] for item in items if isinstance(item, Block)) == 2 * RATE + 2 * EDGE


def test_a_pause_in_one_track_is_none_while_another_sounds() -> None:
    alignment = Alignment([MONO, MONO])
    items: list[Block | Pause] = list(alignment.push(0, piece(0, RATE, 1)))
    for second in range(60):
        items += alignment.push(1, piece(second * RATE, RATE, 3))
    items += alignment.push(0, piece(59 * RATE, RATE, 2))
    items += alignment.finish()
    assert not any(isinstance(item, Pause) for item in items)
    assert laid_out(items)[:, -1].tolist() == [2, 3]


def test_a_track_of_which_nothing_comes_is_waited_for_no_longer_than_is_allowed() -> None:
    alignment = Alignment([MONO, MONO])
    given = 0
    for second in range(100):
        items = list(alignment.push(0, piece(second * RATE, RATE, 1)))
        given += sum(item.samples.shape[1] for item in items if isinstance(item, Block))
        assert (second + 1) * RATE - given <= MOST_LAG


def test_a_layout_is_that_of_the_piece() -> None:
    alignment = Alignment([MONO])
    items = [*alignment.push(0, piece(0, 100, 1)), *alignment.push(0, piece(100, 100, 2, STEREO))]
    assert [item.layout for item in items if isinstance(item, Block)] == [(MONO,), (STEREO,)]
