"""Which texts are believed, which are decoded again, and what is left out."""

from __future__ import annotations

import pytest

from services.common.transcript.words import Word
from services.gpu_worker.engine.decode.acceptance import Attempt, judge, loop, settle
from services.gpu_worker.engine.decode.hallucinations import is_known

LONG = 20.0
SHORT = 2.0
"""Seconds."""


def attempt(text: str, logprob: float = -0.3, no_speech: float = 0.0, flags: tuple[str, ...] = ()) -> Attempt:
    words = tuple(Word(f" {word}", index / 4, index / 4 + 0.2, 0.9) for index, word in enumerate(text.split()))
    return Attempt(words, logprob, no_speech, flags)


def test_an_ordinary_sentence_is_believed() -> None:
    assert judge(attempt("Välkommen till dagens möte om den nya skolan i kommunen."), LONG) == ()


@pytest.mark.parametrize(
    ("text", "logprob", "no_speech", "flag"),
    [
        ("ja jo " * 20, -0.1, 0.0, "repetition"),
        ("och så gick vi hem till honom sedan " * 12, -0.1, 0.0, "compression"),
        ("kanske någonting annat", -1.4, 0.0, "unsure"),
        ("kanske någonting annat", -1.4, 0.8, "no_speech"),
        (" ".join(f"ord{n}" for n in range(200)), -0.1, 0.0, "too_fast"),
        ("Tack för att ni har tittat!", -0.1, 0.9, "hallucination"),
    ],
)
def test_each_fault_has_its_flag(text: str, logprob: float, no_speech: float, flag: str) -> None:
    assert flag in judge(attempt(text, logprob, no_speech), LONG)


def test_thanks_are_believed_in_the_midst_of_speech_and_not_alone_in_two_seconds() -> None:
    thanks = attempt("Tack för att ni har lyssnat.")
    assert judge(thanks, LONG) == ()
    assert judge(thanks, SHORT) == ("hallucination",)


@pytest.mark.parametrize(
    "line", ["Undertexter från Amara.org-gemenskapen", "Textning.nu", "MUSIK", "Vi ses i nästa video!"]
)
def test_known_inventions_are_recognised(line: str) -> None:
    assert is_known(line)


@pytest.mark.parametrize("line", ["Tack.", "Hej då!", "Musiken var vacker.", "Vi ses i nästa vecka."])
def test_what_people_say_is_no_invention(line: str) -> None:
    assert not is_known(line)


def test_three_of_a_kind_is_speech_and_four_a_loop() -> None:
    assert loop(["nej", "nej", "nej", "tack"]) is None
    assert loop(["men", "ja", "då", "ja", "då", "ja", "då", "ja", "då"]) == (1, 2)


def test_the_attempt_with_fewest_faults_is_taken_and_the_surest_of_those() -> None:
    attempts = [
        attempt("ett", -0.1, flags=("unsure", "too_fast")),
        attempt("två", -0.9, flags=("unsure",)),
        attempt("tre", -0.4, flags=("unsure",)),
    ]
    settled = settle(attempts)
    assert (settled.words[0].text, settled.flags, settled.dropped) == (" tre", ("unsure",), ())


def test_a_wider_search_is_believed_though_its_penalty_lowers_the_score() -> None:
    attempts = [attempt("smalt", -0.6, flags=("unsure",)), attempt("brett", -0.7, flags=("unsure",))]
    assert settle(attempts).words[0].text == " brett"
    assert settle([attempts[0], attempt("sämre", -0.9, flags=("unsure",))]).words[0].text == " smalt"


def test_a_loop_that_no_attempt_escapes_is_cut_after_its_first_round_and_marked() -> None:
    looping = attempt("vi åkte hem och hem och hem och hem och hem och", flags=("repetition",))
    settled = settle([looping])
    assert "".join(word.text for word in settled.words) == " vi åkte hem och"
    assert (settled.flags, settled.dropped) == (("repetition",), ("repetition",))


def test_text_where_nobody_speaks_is_left_out() -> None:
    settled = settle([attempt("någon pratar här", -1.5, 0.9, flags=("unsure", "no_speech"))])
    assert (settled.words, settled.dropped) == ((), ("no_speech",))
