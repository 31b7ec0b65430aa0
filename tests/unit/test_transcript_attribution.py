"""Which speaker a word is given, and where a sentence of several is cut."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.transcript.attribution import NEAREST, SpokenTurn, attributed
from services.common.transcript.spoken_by_one import LONGEST_STRAY, MOST_STRAY_WORDS, PAUSE, spoken_by_one
from services.common.transcript.words import Word

A, B, C = 0, 1, 2
LETTERS = {"A": A, "B": B, "C": C, "?": None}
MANY = 100_000


def word(start: float, end: float) -> Word:
    return Word(" ord", start, end, 0.9)


def given_to(heard: Word, *turns: tuple[float, float, int]) -> int | None:
    (found,) = attributed([heard], [SpokenTurn(*turn) for turn in turns])
    return found.speaker


def sentence(speakers: str, seconds: float = 0.2) -> list[Word]:
    """A word for each letter of `speakers`; a space is a pause, and a comma stands behind the word before it."""
    words: list[Word] = []
    start = 0.0
    for letter in speakers:
        if letter == " ":
            start += PAUSE
        elif letter == ",":
            words[-1] = Word(f"{words[-1].text},", words[-1].start, words[-1].end, 0.9, words[-1].speaker)
        else:
            words.append(Word(f" {letter}", round(start, 3), round(start + seconds, 3), 0.9, LETTERS[letter]))
            start += seconds + 0.01
    return words


def parts(speakers: str, seconds: float = 0.2) -> list[str]:
    """What each says, as the letters of those who were thought to say it, behind the letter of who does."""
    names = {number: letter for letter, number in LETTERS.items()}
    found = list(spoken_by_one(sentence(speakers, seconds)))
    assert all(len({word.speaker for word in part}) == 1 for part in found)
    return [f"{names[part[0].speaker]}:{''.join(word.text.strip() for word in part)}" for part in found]


def test_a_word_is_of_whoever_is_heard_for_most_of_it() -> None:
    assert given_to(word(1.0, 2.0), (0.0, 1.4, A), (1.4, 3.0, B)) == B
    assert given_to(word(1.0, 2.0), (0.0, 1.3, A), (1.3, 1.7, B), (1.7, 3.0, A)) == A, "0.6 s in two pieces"


def test_of_two_who_are_heard_equally_long_the_first_one_has_the_word() -> None:
    assert given_to(word(1.0, 2.0), (1.5, 3.0, A), (0.0, 1.5, B)) == B


def test_a_word_beside_all_turns_is_of_the_nearest_one_within_a_second() -> None:
    assert given_to(word(5.0, 5.2), (0.0, 4.5, A), (5.8, 9.0, B)) == A
    assert given_to(word(5.0, 5.2), (0.0, 4.5, A), (5.6, 9.0, B)) == B
    assert given_to(word(5.0, 5.2), (0.0, 5.0 - NEAREST, A)) == A
    assert given_to(word(5.0, 5.2), (0.0, 4.99 - NEAREST, A), (5.21 + NEAREST, 9.0, B)) is None
    assert given_to(word(5.0, 5.2)) is None


def test_a_word_without_length_is_of_the_turn_that_it_is_in() -> None:
    assert given_to(word(5.0, 5.0), (0.0, 4.9, A), (4.9, 9.0, B)) == B


TURNS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 5)), max_size=30).map(
    lambda cuts: [
        SpokenTurn(start / 10, end / 10, speaker)
        for (start, speaker), (end, _) in pairwise(sorted(cuts))
        if speaker and start < end
    ]
)
HEARD = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 20)), max_size=30).map(
    lambda moments: [word(start / 10, (start + length) / 10) for start, length in sorted(moments)]
)


@given(HEARD, TURNS, st.integers(0, 30))
def test_words_have_the_same_speakers_however_a_recording_is_split(
    words: list[Word], turns: list[SpokenTurn], cut: int
) -> None:
    whole = attributed(words, turns)
    assert whole == attributed(words[:cut], turns) + attributed(words[cut:], list(reversed(turns)))
    assert [(told.text, told.start, told.end) for told in whole] == [
        (told.text, told.start, told.end) for told in words
    ]


@given(HEARD, TURNS)
def test_no_other_is_heard_longer_during_a_word(words: list[Word], turns: list[SpokenTurn]) -> None:
    for told in attributed(words, turns):
        shared: dict[int, float] = {}
        for turn in turns:
            seconds = min(turn.end, told.end) - max(turn.start, told.start)
            shared[turn.speaker] = shared.get(turn.speaker, 0.0) + max(0.0, seconds)
        if max(shared.values(), default=0.0) > 0:
            assert told.speaker is not None
            assert shared[told.speaker] == pytest.approx(max(shared.values()))


def test_a_hundred_thousand_words_take_no_longer_for_each_than_a_tenth_of_them() -> None:
    def seconds(count: int) -> float:
        words = [word(index * 0.4, index * 0.4 + 0.3) for index in range(count)]
        turns = [SpokenTurn(index * 2.0, index * 2.0 + 1.9, index % 7) for index in range(count // 5)]
        began = time.thread_time()
        attributed(words, turns)
        return time.thread_time() - began

    assert min(seconds(MANY) for _ in range(2)) < 30 * min(seconds(MANY // 10) for _ in range(3))


def test_a_sentence_of_one_speaker_is_whole() -> None:
    assert parts("AAAA") == ["A:AAAA"]
    assert parts("?AA?A?") == ["A:?AA?A?"]


def test_of_a_sentence_near_which_nobody_is_heard_the_speaker_is_not_known() -> None:
    assert parts("???") == ["?:???"]


def test_a_sentence_that_two_say_is_cut_where_the_speaker_changes() -> None:
    assert parts("AAAABBBB") == ["A:AAAA", "B:BBBB"]
    assert parts("AAAABBBBAAA") == ["A:AAAA", "B:BBBB", "A:AAA"]


@pytest.mark.parametrize("stray", ["B", "BB"])
def test_one_or_two_short_words_do_not_change_the_speaker(stray: str) -> None:
    assert parts(f"AAAA{stray}AAA") == [f"A:AAAA{stray}AAA"]
    assert parts(f"{stray}AAAA") == [f"A:{stray}AAAA"]
    assert parts(f"AAAA{stray}") == [f"A:AAAA{stray}"]


def test_words_that_last_are_their_speakers_however_few_they_are() -> None:
    assert parts("AAABAAA", seconds=LONGEST_STRAY) == ["A:AAA", "B:B", "A:AAA"]


def test_a_word_between_pauses_is_its_speakers() -> None:
    assert parts("AAAA B AAAA") == ["A:AAAA", "B:B", "A:AAAA"]
    assert parts("AAAA B") == ["A:AAAA", "B:B"]
    assert parts("AAAA BAAAA") == ["A:AAAABAAAA"]


def test_stray_words_become_those_of_the_longer_speaker_beside_them() -> None:
    assert parts("AAACBBBB") == ["A:AAA", "B:CBBBB"]
    assert parts("ABABAA") == ["A:ABABAA"], "nobody says enough, so it is who says most"


def test_unknown_words_become_those_of_the_nearest_speaker() -> None:
    assert parts("AAA ??BBB") == ["A:AAA", "B:??BBB"]
    assert parts("AAA?? BBB") == ["A:AAA??", "B:BBB"]


def test_a_sentence_is_cut_at_a_pause_or_a_comma_near_the_change() -> None:
    assert parts("AAA ABBBB") == ["A:AAA", "B:ABBBB"]
    assert parts("AAAAB BBBB") == ["A:AAAAB", "B:BBBB"]
    assert parts("AAA,AABBBB") == ["A:AAA,", "B:AABBBB"]
    assert parts("AAA,AAABBBB") == ["A:AAA,AAA", "B:BBBB"], "three words are too far"


SPEAKERS = st.text("AABBC?? ,", max_size=40).map(lambda text: text.lstrip(" ,")).filter(bool)


@given(SPEAKERS, st.sampled_from([0.05, 0.2, 0.4, 0.8]))
def test_every_word_keeps_its_place_and_its_text_and_no_part_has_two_speakers(speakers: str, seconds: float) -> None:
    words = sentence(speakers, seconds)
    found = list(spoken_by_one(words))
    told = [(word.text, word.start, word.end) for part in found for word in part]
    assert told == [(word.text, word.start, word.end) for word in words]
    assert all(part and len({word.speaker for word in part}) == 1 for part in found)
    assert all(before[0].speaker != after[0].speaker for before, after in pairwise(found))
    known = {word.speaker for word in words} - {None}
    assert {part[0].speaker for part in found} <= (known or {None}), "nobody is invented"


@given(SPEAKERS)
def test_a_run_that_is_long_enough_keeps_the_words_in_its_middle(speakers: str) -> None:
    words = sentence(speakers)
    told = [word for part in spoken_by_one(words) for word in part]
    for index in range(MOST_STRAY_WORDS, len(words) - MOST_STRAY_WORDS):
        around = {word.speaker for word in words[index - MOST_STRAY_WORDS : index + MOST_STRAY_WORDS + 1]}
        if len(around) == 1 and around != {None}:
            assert told[index].speaker == words[index].speaker
