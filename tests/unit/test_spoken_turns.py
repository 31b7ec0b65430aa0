"""What was heard in windows becomes turns: exclusive, in order, the same speaker from window to window."""

from __future__ import annotations

import itertools
import json

import numpy as np

from services.gpu_worker.engine.speakers.eight_bits import direction, eight_bits
from services.gpu_worker.engine.speakers.grid import STEP, WINDOW
from services.gpu_worker.engine.speakers.observations import TICK, TICKS, Observation, Piece
from services.gpu_worker.engine.speakers.spoken_turns import SpeakerTurn, overlapping_turns, speaker_turns
from tests.support.heard import dialogue, people, spoken, track

WINDOWS = 12
ALL = [(0, WINDOWS * STEP + WINDOW)]
TALK = [(100, 900, 1), (950, 2_200, 0), (2_250, 2_600, 1), (2_700, 3_500, 0), (3_500, 4_300, 1), (4_400, 5_900, 0)]
"""First tick, the one behind the last, and who speaks."""
TURNS = tuple(SpeakerTurn(start * TICK, end * TICK, 1 - who) for start, end, who in TALK)
"""Who speaks first is number 0."""


def said() -> list[Observation]:
    return dialogue(people(2), TALK, WINDOWS)


def test_turns_are_those_that_were_spoken() -> None:
    assert speaker_turns(said(), ALL) == TURNS
    assert overlapping_turns(said(), ALL) == TURNS


def test_observations_that_went_through_json_give_the_same_turns() -> None:
    through = [Observation.from_json(json.loads(json.dumps(heard.to_json()))) for heard in said()]
    assert through == said()
    assert speaker_turns(through, ALL) == TURNS


def test_an_observation_is_small() -> None:
    sizes = [len(json.dumps(heard.to_json(), separators=(",", ":"))) for heard in said()]
    assert sum(sizes) / len(sizes) < 2_000


def test_a_voice_in_eight_bits_is_the_same_voice() -> None:
    voice = spoken(people(1)[0], np.random.default_rng(5))
    piece = Piece(0, 150, 150, alone=True, voice=eight_bits(7 * voice))
    assert len(piece.voice) == 192
    assert float(direction(piece.voice) @ voice) > 0.9998


def test_there_are_no_turns_where_nobody_speaks() -> None:
    turns = speaker_turns(said(), [(200 * TICK, 300 * TICK), (1_000 * TICK, 1_100 * TICK)])
    assert turns == (SpeakerTurn(200 * TICK, 300 * TICK, 0), SpeakerTurn(1_000 * TICK, 1_100 * TICK, 1))


def test_what_is_heard_only_in_music_is_no_speaker() -> None:
    turns = speaker_turns(said(), [(0, 900 * TICK)])
    assert {turn.speaker for turn in turns} == {0}


def test_without_speech_there_are_no_turns() -> None:
    assert speaker_turns(said(), []) == ()
    assert speaker_turns([], ALL) == ()
    assert speaker_turns([Observation()] * 3, ALL) == ()


def test_who_speaks_longer_keeps_the_turn_when_two_speak_at_once() -> None:
    talk = [(100, 1_900, 0), (800, 860, 1), (2_000, 3_600, 1), (3_550, 5_900, 0)]
    heard = dialogue(people(2), talk, WINDOWS)
    turns = speaker_turns(heard, ALL)
    assert turns[0] == SpeakerTurn(100 * TICK, 1_900 * TICK, 0)
    assert all(one.end <= two.start for one, two in itertools.pairwise(turns))
    assert SpeakerTurn(3_550 * TICK, 5_900 * TICK, 0) in overlapping_turns(heard, ALL)


def test_two_voices_that_segmentation_took_for_one_come_apart() -> None:
    voices, random = people(2), np.random.default_rng(8)
    heard = dialogue(voices, TALK, WINDOWS)
    merged = [Piece(250, 500, 250, alone=True, voice=eight_bits(spoken(voices[1], random)))]
    merged.append(Piece(510, 750, 240, alone=True, voice=eight_bits(spoken(voices[0], random))))
    heard.append(Observation((track((750, 1_000)), track((500, 1_000), hearing=1))))
    heard.append(Observation((track((250, 750), pieces=tuple(merged)), track((0, 500), hearing=1))))
    heard.append(Observation((track((0, 250)),)))
    begin = (WINDOWS + 1) * STEP // TICK
    last = speaker_turns(heard, [(0, (begin + 1_000) * TICK)])[-2:]
    assert last == (
        SpeakerTurn((begin + 250) * TICK, (begin + 505) * TICK, 0),
        SpeakerTurn((begin + 505) * TICK, (begin + 750) * TICK, 1),
    )


def test_a_hearing_that_errs_is_outvoted() -> None:
    heard = said()
    deaf = Observation(tuple(one for one in heard[3].tracks if one.hearing == 0))
    babble = Observation((*heard[7].tracks[:-1], track((0, TICKS), hearing=1)))
    assert deaf != heard[3]
    assert speaker_turns([*heard[:3], deaf, *heard[4:7], babble, *heard[8:]], ALL) == TURNS


def test_a_track_without_a_piece_says_nothing_of_who_it_is() -> None:
    heard = [Observation((track((300, 320)),)), *said()]
    assert all(turn.start >= STEP for turn in speaker_turns(heard, ALL))


def test_a_number_of_speakers_limits_them() -> None:
    assert {turn.speaker for turn in speaker_turns(said(), ALL, at_most=1)} == {0}
