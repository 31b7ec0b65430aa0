"""How a labelling of speakers is judged: by its turns, by its words, and against files that others wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.speakers import report
from tests.bench.speakers.turn_errors import TurnErrors, turn_errors
from tests.bench.speakers.turns import Turn, read_rttm, speakers_of, write_rttm
from tests.bench.speakers.word_errors import SpokenWord, word_errors

TRUTH = [Turn(0.0, 4.0, "Anna"), Turn(4.0, 10.0, "Bo"), Turn(9.0, 12.0, "Anna")]
"""Thirteen seconds of speech, in one of which two speak."""


def spoken(text: str, speaker: str | None) -> list[SpokenWord]:
    return [SpokenWord(word, speaker) for word in text.split()]


def test_the_same_turns_by_other_names_have_no_errors() -> None:
    found = [Turn(turn.start, turn.end, {"Anna": "2", "Bo": "1"}[turn.speaker]) for turn in TRUTH]
    assert turn_errors(TRUTH, found) == TurnErrors(speech=13.0, miss=0.0, false_alarm=0.0, confusion=0.0)


def test_each_kind_of_error_is_counted_in_seconds_of_speech() -> None:
    found = [Turn(0.0, 5.0, "1"), Turn(5.0, 9.5, "2"), Turn(10.0, 12.0, "1"), Turn(12.0, 12.25, "1")]
    # From 4 to 5 Bo is taken for Anna, from 9 to 9.5 one and until 10 both are missed, and after 12 nobody speaks.
    errors = turn_errors(TRUTH, found)
    assert errors == TurnErrors(speech=13.0, miss=1.5, false_alarm=0.25, confusion=1.0)
    assert errors.rate == pytest.approx(2.75 / 13)


def test_a_label_counts_for_one_speaker_only() -> None:
    assert turn_errors(TRUTH, [Turn(0.0, 12.0, "1")]) == TurnErrors(
        speech=13.0, miss=1.0, false_alarm=0.0, confusion=5.0
    )
    split = [Turn(0.0, 4.0, "1"), Turn(4.0, 8.0, "2"), Turn(8.0, 10.0, "3"), Turn(9.0, 12.0, "1")]
    assert turn_errors(TRUTH, split).confusion == pytest.approx(2.0)


def test_labels_are_mapped_so_that_the_sum_is_best_and_not_one_by_one() -> None:
    # Whoever takes the greatest pair first gives "1" to Anna and has 6 s right; the other way it is 9 s.
    truth = [Turn(0.0, 6.0, "Anna"), Turn(6.0, 11.0, "Bo"), Turn(11.0, 15.0, "Anna")]
    found = [Turn(0.0, 11.0, "1"), Turn(11.0, 15.0, "2")]
    assert turn_errors(truth, found).confusion == pytest.approx(6.0)


def test_speech_is_all_missed_where_none_is_found_and_all_is_false_where_nobody_speaks() -> None:
    assert turn_errors(TRUTH, []) == TurnErrors(speech=13.0, miss=13.0, false_alarm=0.0, confusion=0.0)
    false = turn_errors([], TRUTH)
    assert (false.false_alarm, false.rate) == (13.0, float("inf"))
    assert turn_errors([], []).rate == 0.0


def test_turns_of_one_speaker_that_overlap_count_once() -> None:
    twice = [Turn(0.0, 3.0, "Anna"), Turn(2.0, 4.0, "Anna")]
    assert turn_errors(twice, [Turn(0.0, 4.0, "1")]) == TurnErrors(speech=4.0, miss=0.0, false_alarm=0.0, confusion=0.0)


def test_words_that_only_one_text_has_do_not_count_as_labelled_wrongly() -> None:
    truth = [*spoken("Shall we begin?", "Anna"), *spoken("Yes, of course.", "Bo"), *spoken("Good.", "Anna")]
    found = [*spoken("shall he begin", "1"), *spoken("yes of", "2"), *spoken("course", "1"), *spoken("um good", "1")]
    errors = word_errors(truth, found)
    assert (errors.words, errors.matched, errors.wrong) == (7, 6, 1)
    assert errors.rate == pytest.approx(1 / 6)


def test_a_word_without_a_label_is_labelled_wrongly() -> None:
    errors = word_errors(spoken("one two", "Anna"), [*spoken("one", "1"), *spoken("two", None)])
    assert (errors.matched, errors.wrong) == (2, 1)
    assert word_errors(spoken("one", "Anna"), []).rate == 0.0


def test_turns_are_the_same_after_they_were_written_and_read(tmp_path: Path) -> None:
    path = write_rttm(tmp_path / "talk.rttm", "talk", [*TRUTH[1:], TRUTH[0]])
    assert read_rttm(path) == {"talk": sorted(TRUTH)}
    assert speakers_of(read_rttm(path)["talk"]) == ["Anna", "Bo"]


def test_files_of_others_are_read_with_several_recordings_and_other_lines(tmp_path: Path) -> None:
    path = tmp_path / "all.rttm"
    path.write_text(
        "SPKR-INFO b 1 <NA> <NA> <NA> unknown MEE1 <NA> <NA>\n"
        "SPEAKER b 1 2.5 0.5 <NA> <NA> MEE1 <NA> <NA>\n\n"
        "SPEAKER a 1 1 2 <NA> <NA> FEE2\n"
    )
    assert read_rttm(path) == {"b": [Turn(2.5, 3.0, "MEE1")], "a": [Turn(1.0, 3.0, "FEE2")]}
    path.write_text("SPEAKER a 1 1 2 <NA>\n")
    with pytest.raises(ValueError, match="line 1: 6 fields"):
        read_rttm(path)


def test_the_table_has_a_row_for_each_recording_and_says_what_was_not_measured() -> None:
    errors = report.turn_figures(TurnErrors(speech=10.0, miss=0.5, false_alarm=0.0, confusion=0.25))
    talk = {"recording": "talk", "speakers": 2, "found": 3, **errors, "processor_seconds_per_hour": 91.5}
    music = {"recording": "music", "speakers": 0, "found": 0}
    music |= report.turn_figures(TurnErrors(speech=0.0, miss=0.0, false_alarm=1.5, confusion=0.0))
    _, _, *rows = report.table([talk, music]).splitlines()
    assert rows == [
        "| talk | 2 | 3 | 7.5 % | 5.0 % | 0.0 % | 2.5 % | - | - | 91.5 |",
        "| music | 0 | 0 | - | - | 1.5 s | - | - | - | - |",
    ]


def test_new_figures_take_the_place_of_a_recordings_old_ones() -> None:
    before = [{"recording": "a", "found": 1}, {"recording": "b", "found": 1}]
    assert report.joined(before, [{"recording": "a", "found": 2}]) == [{"recording": "a", "found": 2}, before[1]]
