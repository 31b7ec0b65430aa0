"""The same text and times in every format; what each says beyond them."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import zip_longest

import pysubs2
from hypothesis import given, settings

from services.common.domain.options import DEFAULT_FORMATS
from services.common.transcript.formats import render
from services.common.transcript.subtitles import LONGEST, cues
from services.common.transcript.transcript import Transcript
from services.common.transcript.words import Word
from services.gpu_worker.engine.plan.plan import Plan
from tests.support.transcripts import call, recordings, spoken, transcript


@settings(deadline=None)  # the contract is read for the first one
@given(recordings())
def test_every_format_has_the_same_times_and_none_beyond_the_recording(recording: tuple[Plan, Transcript]) -> None:
    """A segment's first subtitle begins with it. Its last one ends with it or, to be read, later, but not when the next
    one has begun; sooner only where it would be seen for too long. Only of a word that no subtitle holds the end is
    left out.
    """
    published = json.loads(render(recording[1], "json"))
    rows = [row.split("\t") for row in render(recording[1], "tsv").decode().splitlines()[1:]]
    assert [row[:2] for row in rows] == [
        [str(round(segment[edge] * 1000)) for edge in ("start", "end")] for segment in published["segments"]
    ]
    shown = cues(recording[1])
    for form in ("srt", "vtt"):
        events = pysubs2.SSAFile.from_string(render(recording[1], form).decode(), format_=form)
        assert [(cue.start, cue.end) for cue in shown] == [(event.start / 1000, event.end / 1000) for event in events]
    names = recording[1].speakers
    for channel in {segment["channel"] for segment in published["segments"]}:
        segments = [segment for segment in published["segments"] if segment["channel"] == channel]
        name = names.get(channel, "")
        mine = iter([cue for cue in shown if cue.speaker == name])
        for segment, following in zip_longest(segments, segments[1:]):
            first = last = next(mine)
            whole = segment["text"].replace(" ", "")
            text = "".join(first.lines)
            while len(text.replace(" ", "")) < len(whole):
                last = next(mine)
                text += "".join(last.lines)
            assert text.replace(" ", "") == whole
            assert segment["start"] == first.start == segment["words"][0]["start"]
            assert segment["end"] == segment["words"][-1]["end"]
            assert last.end >= segment["end"] or round(last.end - last.start, 3) == LONGEST
            assert 0 <= first.start < last.end <= (following["start"] if following else published["duration"])


def test_words_aligned_to_nothing_are_a_tick_long_in_every_format() -> None:
    told = transcript((Word(" Ja.", 0.0, 0.0, 0.9), Word(" Nej.", 0.0, 0.0, 0.9), Word(" Jo.", 60.0, 60.0, 0.9)))
    assert render(told, "tsv").decode().splitlines()[1:] == ["0\t1\tJa.", "1\t2\tNej.", "59999\t60000\tJo."]
    assert [cue.start for cue in cues(told)] == [0.0, 0.001, 59.999]


def test_every_format_is_written_for_a_recording_without_words() -> None:
    silent = transcript(())
    assert {form: render(silent, form) for form in DEFAULT_FORMATS if form != "json"} == {
        "txt": b"",
        "srt": b"",
        "vtt": b"WEBVTT\n\n",
        "tsv": b"start\tend\ttext\n",
    }
    assert json.loads(render(silent, "json"))["quality"]["warnings"] == ["no_text"]


def test_tsv_holds_milliseconds_and_one_line_a_segment() -> None:
    assert (
        render(transcript(spoken("Hej på dig.", start=1)), "tsv").decode().splitlines()[1] == "1000\t2120\tHej på dig."
    )


def test_words_are_in_the_json_when_they_are_asked_for() -> None:
    asked = json.loads(render(transcript(spoken("Hej du."), words=True), "json"))
    assert [word["word"] for word in asked["segments"][0]["words"]] == ["Hej", "du."]
    assert "words" not in json.loads(render(transcript(spoken("Hej du.")), "json"))["segments"][0]


def test_speakers_on_channels_of_their_own_keep_them_apart() -> None:
    both = transcript(spoken("Hej du."), spoken("Hej själv.", 0.1), channel_count=2, channels="separate")
    segments = json.loads(render(both, "json"))["segments"]
    assert [(segment["channel"], segment["text"]) for segment in segments] == [(0, "Hej du."), (1, "Hej själv.")]


def test_where_several_speak_the_files_for_people_say_who() -> None:
    assert render(call(), "txt").decode() == "Talare 1: Hej du.\nTalare 2: Hej själv.\n"
    assert render(call(), "srt").decode().count("Talare 1: Hej du.") == 1
    assert render(call(), "vtt").decode().count("<v Talare 2>Hej själv.") == 1


def test_tsv_has_a_column_for_the_channel_when_channels_are_asked_for() -> None:
    assert render(call(), "tsv").decode().splitlines() == [
        "start\tend\ttext\tchannel",
        "0\t720\tHej du.\t0",
        "100\t820\tHej själv.\t1",
    ]


def test_one_speaker_needs_no_name() -> None:
    alone = transcript(spoken("Hej du."), channel_count=2, channels="separate")
    assert render(alone, "txt").decode() == "Hej du.\n"
    assert "<v" not in render(alone, "vtt").decode()


def test_speakers_are_named_in_the_language_that_they_speak() -> None:
    assert set(replace(call(), language="fi").speakers.values()) == {"Speaker 1", "Speaker 2"}
