"""Pieces of one voice go to one speaker: no more speakers are found than there are, and none of them is lost."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from services.gpu_worker.engine.speakers.clustering import cluster
from services.gpu_worker.engine.speakers.joining import Labels
from services.gpu_worker.engine.speakers.pieces import Pieces
from tests.support.heard import people, pieces_of


def same_partition(found: Labels, truth: list[int]) -> bool:
    return len(set(zip(found.tolist(), truth, strict=True))) == len(set(truth)) == len(set(found.tolist()))


def turns_of(count: int, pieces: int, *, length: int = 4) -> list[int]:
    """Who speaks in each piece: everybody in turn, for so many pieces."""
    return [place // length % count for place in range(pieces)]


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_every_voice_is_one_speaker(count: int) -> None:
    who = turns_of(count, 240)
    assert same_partition(cluster(pieces_of(people(count), who)), who)


@pytest.mark.parametrize(("alike", "like_itself"), [(0.0, 0.5), (0.3, 0.65), (0.4, 0.75)])
def test_the_cut_follows_how_alike_voices_are_in_the_recording(alike: float, like_itself: float) -> None:
    who = turns_of(4, 240)
    assert same_partition(cluster(pieces_of(people(4, alike=alike), who, like_itself=like_itself)), who)


def test_a_long_monologue_does_not_fall_apart() -> None:
    assert set(cluster(pieces_of(people(1), [0] * 2_160)).tolist()) == {0}


def test_two_hours_have_the_speakers_of_five_minutes() -> None:
    who = turns_of(5, 4_320, length=7)
    pieces = pieces_of(people(5), who)
    assert same_partition(cluster(pieces), who)
    assert same_partition(cluster(pieces[:180]), who[:180])


def test_who_speaks_only_at_the_end_of_two_hours_is_a_speaker() -> None:
    who = [*turns_of(2, 4_000), *[2] * 12]
    assert same_partition(cluster(pieces_of(people(3), who)), who)


def test_pieces_in_which_one_voice_ends_and_another_begins_are_no_speaker() -> None:
    voices = people(3)
    blend = (voices[0] + voices[1]) / np.sqrt(np.float32(2))
    who = [*turns_of(3, 360), 3, 3, 3]
    found = cluster(pieces_of(np.concatenate([voices, blend[None]]), who))
    assert same_partition(found[:-3], who[:-3])
    assert set(found[-3:].tolist()) <= {int(found[0]), int(found[4])}


def test_short_pieces_go_to_the_voice_they_are_most_like() -> None:
    who = turns_of(2, 60)
    pieces = pieces_of(people(2), who)
    seconds = pieces.seconds.copy()
    seconds[50:] = 0.5
    assert same_partition(cluster(replace(pieces, seconds=seconds)), who)


def test_no_more_speakers_than_allowed() -> None:
    found = cluster(pieces_of(people(6), turns_of(6, 240)), at_most=4)
    assert len(set(found.tolist())) == 4


def test_nobody_is_invented_for_a_number_that_is_asked_for() -> None:
    assert set(cluster(pieces_of(people(1), [0] * 240), at_least=3, at_most=3).tolist()) == {0}


def test_two_who_are_alike_and_heard_for_moments_are_found_when_two_are_asked_for() -> None:
    who = turns_of(2, 16, length=4)
    pieces = replace(pieces_of(people(2, alike=0.65), who), tracks=np.zeros(len(who), np.int64))
    assert set(cluster(pieces).tolist()) == {0}
    assert same_partition(cluster(pieces, at_least=2), who)


def test_two_who_are_alike_are_found_when_both_are_heard_well() -> None:
    who = turns_of(2, 240, length=6)
    pieces = replace(pieces_of(people(2, alike=0.65), who), tracks=np.zeros(len(who), np.int64))
    assert same_partition(cluster(pieces), who)


def test_one_voice_that_segmentation_tells_apart_is_one() -> None:
    who = turns_of(2, 120, length=1)
    whispers_and_shouts = people(2, alike=0.8)
    assert set(cluster(pieces_of(whispers_and_shouts, who)).tolist()) == {0}


def test_who_is_heard_for_a_moment_is_no_speaker() -> None:
    who = [*turns_of(2, 240), 2]
    assert len(set(cluster(pieces_of(people(3), who)).tolist())) == 2


def test_voices_that_are_told_apart_within_windows_are_two_although_they_are_alike() -> None:
    voices, who = people(2, alike=0.62), turns_of(2, 240, length=1)
    apart = pieces_of(voices, who, like_itself=0.8)
    assert same_partition(cluster(apart), who)
    never_apart = replace(apart, tracks=np.zeros(len(who), np.int64))
    assert set(cluster(never_apart).tolist()) == {0}


def test_a_hundred_people_with_a_word_each_are_at_most_fifty_speakers() -> None:
    found = cluster(pieces_of(people(100), list(range(100)), seconds=0.5), at_most=50)
    assert len(set(found.tolist())) <= 50


def test_ten_hours_take_seconds() -> None:
    who = [place * 7_919 % 101 % 12 for place in range(21_600)]
    pieces = pieces_of(people(12), who)
    begin = time.process_time()
    found = cluster(pieces)
    assert time.process_time() - begin < 20
    assert same_partition(found, who)


def test_the_same_pieces_have_the_same_speakers() -> None:
    pieces = pieces_of(people(4), turns_of(4, 600))
    assert cluster(pieces).tolist() == cluster(pieces).tolist()


def test_one_piece_is_one_speaker() -> None:
    pieces: Pieces = pieces_of(people(1), [0], seconds=0.4)
    assert cluster(pieces).tolist() == [0]
