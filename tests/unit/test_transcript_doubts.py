"""Which places of a transcript are worth hearing again."""

from __future__ import annotations

from services.common.transcript.doubtful_places import doubtful_places
from services.common.transcript.quality import DOUBTFUL
from services.common.transcript.transcript import Transcript
from services.common.transcript.words import Word
from tests.support.transcripts import spoken, transcript


def found(told: Transcript) -> list[tuple[float, str, float]]:
    return [(place.start, place.text, round(place.confidence, 4)) for place in doubtful_places(told)]


def said(*words: tuple[str, float]) -> tuple[Word, ...]:
    return tuple(Word(f" {text}", float(at), at + 0.5, probability) for at, (text, probability) in enumerate(words))


def test_doubtful_words_beside_each_other_are_one_place() -> None:
    told = transcript(said(("Vi", 0.9), ("åker", 0.4), ("till", 0.3), ("Umeå", 0.9), ("i", 0.9), ("mars.", 0.2)))
    assert found(told) == [(1.0, "åker till", 0.35), (5.0, "mars.", 0.2)]


def test_a_word_at_the_threshold_is_not_doubtful() -> None:
    assert found(transcript(said(("Ja", DOUBTFUL), ("då.", 0.9)))) == []


def test_a_sentence_that_is_doubtful_as_a_whole_is_one_place() -> None:
    told = transcript(said(("Kanske", 0.2), ("det", 0.6), ("här.", 0.3)))
    assert found(told) == [(0.0, "Kanske det här.", 0.3667)]


def test_a_flagged_sentence_is_a_place_however_sure_its_words_are() -> None:
    assert found(transcript(spoken("Säkert."), spoken("Tack tack.", 5))) == [(5.0, "Tack tack.", 0.9)]
