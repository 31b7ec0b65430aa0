"""Who speaks from when to when."""

from __future__ import annotations

from itertools import pairwise

from services.common.transcript.turns import LONGEST_TURN
from tests.support.transcripts import call, spoken, transcript


def test_sentences_of_one_speaker_are_one_turn() -> None:
    (turn,) = transcript(spoken("Hej på dig. Hur är läget?", start=5)).turns
    assert (turn.start, turn.speaker, turn.text) == (5.0, "", "Hej på dig. Hur är läget?")


def test_a_turn_ends_when_another_speaks() -> None:
    assert [(turn.start, turn.speaker, turn.text) for turn in call().turns] == [
        (0.0, "Talare 1", "Hej du."),
        (0.1, "Talare 2", "Hej själv."),
    ]


def test_a_turn_ends_at_a_long_pause_but_not_at_a_short_one() -> None:
    found = transcript((*spoken("Ett."), *spoken("Två.", start=3.3), *spoken("Tre.", start=6.7))).turns
    assert [(turn.start, turn.text) for turn in found] == [(0.0, "Ett. Två."), (6.7, "Tre.")]


def test_whoever_speaks_on_and_on_gets_a_new_time_every_half_minute() -> None:
    found = list(transcript(spoken("Och så vidare. " * 48)).turns)
    starts = [turn.start for turn in found]
    assert len(found) == 2
    assert max(later - earlier for earlier, later in pairwise(starts)) <= LONGEST_TURN
    assert " ".join(turn.text for turn in found) == ("Och så vidare. " * 48).strip()


def test_nothing_said_is_no_turn() -> None:
    assert list(transcript(()).turns) == []
