"""What every format shows of the speakers who were told apart, and of the names that the client gave them."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.domain.options import DEFAULT_FORMATS, FORMATS
from services.common.transcript import kept_words
from services.common.transcript.formats import render
from services.common.transcript.subtitles import LINE_CHARACTERS, MOST_LINES, NAME_CHARACTERS, cues, fitting_names
from services.common.transcript.transcript import Transcript
from services.common.transcript.words import Word
from tests.support import contract
from tests.support.transcripts import call, dialogue, spoken, transcript

LONG = "Kommunstyrelsens andre vice ordförande Anna-Karin Svensson Lindqvist"


def meeting(**options: object) -> Transcript:
    """Of three turns, in which the numbers of the clusters are not those of the speakers."""
    return dialogue((7, "Hej alla här."), (3, "Hej på dig."), (7, "Då börjar vi."), **options)


def published(told: Transcript, **annotations: Any) -> Any:
    return json.loads(render(told, "json", annotations))


def text(told: Transcript, form: str = "txt", *names: str | None) -> str:
    return render(told, form, {"names": list(names)}).decode()


def paragraphs(told: Transcript, *names: str | None) -> list[str]:
    written = docx.Document(io.BytesIO(render(told, "docx", {"names": list(names)})))
    return [paragraph.text for paragraph in written.paragraphs[1:]]


def test_speakers_are_numbered_in_the_order_in_which_they_are_heard() -> None:
    told = published(meeting(words=True))
    assert [segment["speaker"] for segment in told["segments"]] == ["S1", "S2", "S1"]
    assert [{word["speaker"] for word in segment["words"]} for segment in told["segments"]] == [{"S1"}, {"S2"}, {"S1"}]
    assert told["speakers"] == [{"id": "S1", "name": "Talare 1"}, {"id": "S2", "name": "Talare 2"}]


def test_the_json_with_speakers_is_as_the_contract_says() -> None:
    contract.check_named(published(meeting(words=True), names=[None, "Bo"]), "Transcript")
    contract.check_named(meeting().quality.short(meeting().told_apart), "Quality")


def test_speakers_of_separate_channels_are_counted_over_all_of_them() -> None:
    told = transcript(
        (*spoken("Ja det tror jag.", 3), *spoken("Nej det går inte.", 9)),
        spoken("Hej och välkommen hit.", 0),
        channel_count=2,
        turns=([(3.0, 5.0, 0), (8.5, 11.0, 1)], [(0.0, 2.0, 0)]),
        channels="separate",
        speakers="auto",
    )
    assert published(told)["speakers"] == [
        {"id": "S1", "name": "Talare 1", "channel": 1},
        {"id": "S2", "name": "Talare 2", "channel": 0},
        {"id": "S3", "name": "Talare 3", "channel": 0},
    ]
    assert text(told, "tsv").splitlines()[:2] == [
        "start\tend\ttext\tchannel\tspeaker",
        "0\t1520\tHej och välkommen hit.\t1\tTalare 1",
    ]


def test_the_quality_report_tells_of_each_speaker_and_its_short_form_how_many_they_are() -> None:
    told = meeting()
    quality = published(told)["quality"]
    assert quality["speakers"] == [
        {"id": "S1", "seconds": 1.44, "words": 6, "confidence": 0.9},
        {"id": "S2", "seconds": 0.72, "words": 3, "confidence": 0.9},
    ]
    assert quality["speaker_count"] == told.quality.short(told.told_apart)["speaker_count"] == 2


def test_a_turn_without_words_is_no_speaker() -> None:
    told = transcript(spoken("Hej på dig."), turns=([(0.0, 2.0, 0), (3.0, 9.0, 1)],), speakers="auto")
    assert [speaker["id"] for speaker in published(told)["speakers"]] == ["S1"]


def test_txt_has_a_paragraph_for_each_turn() -> None:
    assert text(meeting()) == ("Talare 1: Hej alla här.\n\nTalare 2: Hej på dig.\n\nTalare 1: Då börjar vi.\n")
    assert text(meeting(), "txt", None, "Bo") == (
        "Talare 1: Hej alla här.\n\nBo: Hej på dig.\n\nTalare 1: Då börjar vi.\n"
    )


def test_tsv_has_a_last_column_for_the_name() -> None:
    assert text(meeting(), "tsv", "Anna").splitlines() == [
        "start\tend\ttext\tspeaker",
        "0\t840\tHej alla här.\tAnna",
        "1850\t2690\tHej på dig.\tTalare 2",
        "3700\t4540\tDå börjar vi.\tAnna",
    ]


def test_subtitles_say_who_speaks() -> None:
    assert "\nAnna: Hej alla här.\n" in text(meeting(), "srt", "Anna")
    assert "\n<v Anna>Hej alla här.\n" in text(meeting(), "vtt", "Anna")
    assert "\n<v Talare 2>Hej på dig.\n" in text(meeting(), "vtt", "Anna")


def test_docx_has_a_paragraph_for_each_turn_with_its_name() -> None:
    assert paragraphs(meeting(), "Anna") == [
        "00:00:00\tAnna: Hej alla här.",
        "00:00:01\tTalare 2: Hej på dig.",
        "00:00:03\tAnna: Då börjar vi.",
    ]


def test_default_names_are_in_the_transcripts_language() -> None:
    assert text(replace(meeting(), language="fi")).startswith("Speaker 1: ")


def test_one_speaker_is_named_only_where_programs_read_it() -> None:
    alone = dialogue((4, "Hej på dig."))
    assert text(alone) == "Hej på dig.\n"
    assert "Talare" not in text(alone, "srt") + text(alone, "vtt") + "".join(paragraphs(alone))
    assert text(alone, "tsv").splitlines()[1].endswith("\tTalare 1")
    assert published(alone)["speakers"] == [{"id": "S1", "name": "Talare 1"}]


def test_one_speaker_to_whom_the_client_gave_a_name_has_it_everywhere() -> None:
    alone = dialogue((4, "Hej på dig."))
    assert text(alone, "txt", "Anna") == "Anna: Hej på dig.\n"
    assert text(alone, "txt", None, "Bo") == "Hej på dig.\n", "Bo was not heard"


def test_words_of_nobody_known_are_apart_and_without_a_name() -> None:
    told = dialogue((1, "Hej på dig."), (None, "Skrap och brus."), (2, "Vad var det?"))
    assert text(told) == "Talare 1: Hej på dig.\n\nSkrap och brus.\n\nTalare 2: Vad var det?\n"
    assert [segment["speaker"] for segment in published(told)["segments"]] == ["S1", None, "S2"]
    assert text(told, "tsv").splitlines()[2].endswith("Skrap och brus.\t")
    assert paragraphs(told)[1].endswith("\tSkrap och brus.")
    assert [cue.speaker for cue in cues(told)] == ["Talare 1", "", "Talare 2"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (3, "Speakers that were asked for: 3; found: 2."),
        ({"at_least": 3, "at_most": 9}, "Speakers that were asked for: 3; found: 2."),
        (2, None),
        (1, None),
        ("auto", None),
        ({"at_least": 2, "at_most": 9}, None),
    ],
)
def test_fewer_speakers_than_were_asked_for_are_a_warning(asked: object, said: str | None) -> None:
    quality = meeting(speakers=asked).quality
    assert [(remark.code, remark.message) for remark in quality.remarks] == ([("speakers_fewer", said)] if said else [])
    assert quality.warnings == tuple(remark.code for remark in quality.remarks)


def test_a_channel_with_fewer_speakers_is_named() -> None:
    asked: Mapping[str, Any] = {"channel_count": 2, "channels": "separate", "speakers": 2}
    told = transcript(spoken("Hej du."), spoken("Hej själv.", 5), turns=([(0.0, 9.0, 0)], [(0.0, 9.0, 0)]), **asked)
    (remark,) = told.quality.remarks
    assert remark.message == "Speakers that were asked for in each channel: 2; found: 1 in channel 0, 1 in channel 1."


def test_a_recording_without_text_has_no_speakers_and_no_remark_on_them() -> None:
    told = transcript((), turns=([(0.0, 9.0, 0)],), speakers=2)
    assert (told.voices, told.quality.warnings) == ((), ("no_text",))
    assert text(told) == ""


@pytest.mark.parametrize("channels", ["mixed", "separate"])
def test_speakers_that_could_not_be_told_apart_leave_the_text_whole(channels: str) -> None:
    told = transcript(spoken("Hej du."), spoken("Hej själv.", 9), speakers="auto", channels=channels, channel_count=2)
    whole = published(told)
    assert whole["quality"]["warnings"] == ["speakers_unknown"]
    assert (whole["speakers"], whole["quality"]["speaker_count"]) == ([], None)
    assert {segment["speaker"] for segment in whole["segments"]} == {None}
    named = text(told, "txt", "Anna", "Bo")
    assert named == ("Hej du.\n\nHej själv.\n" if channels == "mixed" else "Anna: Hej du.\n\nBo: Hej själv.\n")
    contract.check_named(whole, "Transcript")


def test_without_the_option_nothing_tells_of_speakers() -> None:
    told = published(transcript(spoken("Hej du."), words=True))
    assert "speakers" not in told
    assert "speaker" not in told["segments"][0]
    assert "speaker" not in told["segments"][0]["words"][0]
    assert not {"speakers", "speaker_count"} & told["quality"].keys()


def test_names_of_separate_channels_are_shown_without_the_option() -> None:
    assert text(call(), "txt", "Anna") == "Anna: Hej du.\nTalare 2: Hej själv.\n"
    assert text(call(), "tsv", "Anna") == text(call(), "tsv")


def test_names_change_nothing_where_nobody_is_told_apart() -> None:
    told = transcript(spoken("Hej du."))
    assert {form: render(told, form, {"names": ["Anna"]}) for form in FORMATS} == {
        form: render(told, form) for form in FORMATS
    }


def test_the_json_shows_names_in_its_list_of_speakers_alone() -> None:
    told = published(meeting(), names=["Anna"], reference="r")
    assert "names" not in told
    assert told["reference"] == "r"
    assert told["speakers"][0]["name"] == "Anna"
    assert told["text"].startswith("Anna: ")


def test_a_transcript_with_names_is_rendered_with_them() -> None:
    assert render(meeting().named(["Anna"]), "txt") == render(meeting(), "txt", {"names": ["Anna"]})


def test_kept_words_hold_speakers_and_take_any_names() -> None:
    kept = kept_words.unpack(kept_words.pack(meeting().named(["Anna"])))
    assert kept == meeting()
    for form in FORMATS:
        assert render(kept, form, {"names": ["Bo"]}) == render(meeting(), form, {"names": ["Bo"]})


def test_words_that_an_earlier_release_kept_are_rendered_as_before() -> None:
    data = call().to_json()
    for added in ("voices",):
        del data[added]
    for segment in data["segments"]:
        del segment["speaker"]
    del data["options"]["speakers"]
    earlier = kept_words.unpack(gzip.compress(json.dumps(data).encode()))
    for form in DEFAULT_FORMATS:
        assert render(earlier, form) == render(call(), form)


SAID = st.lists(st.tuples(st.sampled_from([0, 1, 2, None]), st.sampled_from(["ja det är så", "nej. jo. mm", "o" * 50])))


@given(SAID.map(lambda said: said[:12]))
def test_no_segment_and_no_subtitle_has_two_speakers_and_no_word_is_lost(said: list[tuple[int | None, str]]) -> None:
    told = dialogue(*said)
    assert all({word.speaker for word in segment.words} == {segment.speaker} for segment in told.segments)
    heard = [word.text.strip() for segment in told.segments for word in segment.words]
    assert heard == [word for _, text in said for word in text.split()]
    starts = {segment.start: name for segment, name in told.told}
    current = ""
    for cue in cues(told):
        current = starts.get(cue.start, current)
        assert cue.speaker == current
    shown = cues(told)
    assert all(before.end <= after.start for before, after in pairwise(shown))


@pytest.mark.parametrize("name", [LONG, "田" * 80, "e\u0301" * 40, "👩‍👩‍👧" * 16])
def test_subtitles_under_a_long_name_fit_the_screen(name: str) -> None:
    told = transcript(spoken("någonting " * 30), turns=([(0.0, 60.0, 0)],), speakers="auto")
    lines = [line for line in text(told, "srt", name).splitlines() if "någonting" in line]
    assert max(map(len, lines)) <= LINE_CHARACTERS
    assert max(map(len, lines)) > LINE_CHARACTERS // 2, "half of the line at least is for the words"
    assert max(len(cue.lines) for cue in cues(told.named([name]))) <= MOST_LINES
    assert f"<v {name}>" in text(told, "vtt", name), "the tag takes no room"
    for form in ("txt", "tsv", "json"):
        assert name in text(told, form, name)


def test_a_name_is_cut_between_letters_with_their_accents() -> None:
    def fitting(name: str) -> str:
        return fitting_names({0: name})[name]

    assert fitting("e\u0301" * 40) == "e\u0301" * 9 + "…"
    assert fitting("👩‍👩‍👧" * 16) == "👩‍👩‍👧" * 3 + "…"
    assert fitting("n" * NAME_CHARACTERS) == "n" * NAME_CHARACTERS


def test_long_names_that_would_look_the_same_end_with_the_speakers_number() -> None:
    names = {0: f"{LONG} den äldre", 1: f"{LONG} den yngre", 2: "Bo", 3: "Bo"}
    assert list(fitting_names(names).values()) == ["Kommunstyrelsens… 1", "Kommunstyrelsens… 2", "Bo"]


def test_words_of_two_speakers_in_one_sentence_are_two_segments() -> None:
    words = spoken("vad tycker du om det jag tycker att det är bra.", pace=0.3)
    told = transcript(words, turns=([(0.0, 1.45, 0), (1.45, 9.0, 1)],), speakers="auto")
    assert [(segment.speaker, segment.text) for segment in told.segments] == [
        (0, "vad tycker du om det"),
        (1, "jag tycker att det är bra."),
    ]
    assert all(isinstance(word, Word) for segment in told.segments for word in segment.words)


def test_doubts_stay_with_their_words_when_a_sentence_is_cut() -> None:
    told = transcript(
        spoken("vad tycker du om det", pace=0.3),
        spoken("jag tycker att det är bra.", 1.5, pace=0.3),
        turns=([(0.0, 1.45, 0), (1.45, 9.0, 1)],),
        speakers="auto",
    )
    assert [segment.flags for segment in told.segments] == [(), ("unsure",)]
