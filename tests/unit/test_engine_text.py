"""From clip results to files: segments, subtitles, formats, quality."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.domain.options import FORMATS, Options
from services.gpu_worker.engine.assemble import assemble
from services.gpu_worker.engine.formats import render
from services.gpu_worker.engine.model import ModelFiles
from services.gpu_worker.engine.plan import RATE, Clip, Part, Plan, Source
from services.gpu_worker.engine.results import ClipResult, Word
from services.gpu_worker.engine.segmentation import sentences
from services.gpu_worker.engine.subtitles import GAP, LINE, LINES, cues
from services.gpu_worker.engine.transcript import Transcript

MODEL = ModelFiles(Path("model"), "any", "standard", "abc", {})
SOURCE = Source("wav", "pcm_s16le", RATE, 1, 60.0)


def spoken(text: str, start: float = 0.0, pace: float = 0.4) -> tuple[Word, ...]:
    return tuple(
        Word(f" {word}", start + index * pace, start + index * pace + pace * 0.8, 0.9)
        for index, word in enumerate(text.split())
    )


def transcript(*clips: tuple[Word, ...], speakers: int = 1, **options: object) -> Transcript:
    """A recording of a minute; the clips lie on channel 0, the last one on the last channel."""
    laid = tuple(
        Clip(index, speakers - 1 if index == len(clips) - 1 else 0, ((index * RATE, (index + 1) * RATE),))
        for index in range(len(clips))
    )
    plan = Plan(60 * RATE, speakers, "sv", 60 * RATE, laid, (Part(0, 0, 60 * RATE, 0, len(laid)),), SOURCE)
    results = [
        ClipResult(index=index, words=words, logprob=-0.2, no_speech=0.0, flags=("unsure",) if index == 1 else ())
        for index, words in enumerate(clips)
    ]
    return assemble(plan, results, Options.parse(options, ["any"]), MODEL)


def test_sentences_end_at_punctuation_and_long_pauses_but_not_at_abbreviations() -> None:
    words = (*spoken("Vi ses kl. tre. Ta med t.ex. fika"), *spoken("och kaffe", start=10))
    found = ["".join(word.text for word in sentence).strip() for sentence in sentences(words)]
    assert found == ["Vi ses kl. tre.", "Ta med t.ex. fika", "och kaffe"]


def test_a_speech_without_punctuation_is_cut_into_readable_lengths() -> None:
    found = list(sentences(spoken("ord " * 200)))
    assert max(sentence[-1].end - sentence[0].start for sentence in found) <= 20
    assert sum(map(len, found)) == 200


def test_a_missing_clip_is_no_transcript() -> None:
    plan = Plan(RATE, 1, "sv", RATE, (Clip(0, 0, ((0, RATE),)),), (Part(0, 0, RATE, 0, 1),), SOURCE)
    with pytest.raises(ValueError, match="clips"):
        assemble(plan, [], Options(), MODEL)


def test_times_never_run_backwards_or_beyond_the_recording() -> None:
    words = (Word(" ett", 5.0, 4.0, 0.9), Word(" två", 4.5, 6.0, 0.9), Word(" tre.", 59.9, 70.0, 0.9))
    heard = [word for segment in transcript(words).segments for word in segment.words]
    assert all(before.end <= after.start for before, after in pairwise(heard))
    assert all(0 <= word.start <= word.end <= 60 for word in heard)


def test_doubts_stay_with_the_segments_they_are_about() -> None:
    flags = [segment.flags for segment in transcript(spoken("Säkert."), spoken("Osäkert.", 5)).segments]
    assert flags == [(), ("unsure",)]


@given(st.lists(st.text("abcdefghijåäö", min_size=1, max_size=60), min_size=1, max_size=60), st.floats(0.05, 1.0))
def test_subtitles_fit_the_screen_and_never_overlap(words: list[str], pace: float) -> None:
    found = cues(transcript(spoken(" ".join(words), pace=min(pace, 50 / len(words)))))
    assert all(len(line) <= LINE for cue in found for line in cue.lines)
    assert all(len(cue.lines) <= LINES for cue in found)
    assert all(cue.start < cue.end for cue in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert "".join("".join(cue.lines) for cue in found).replace(" ", "") == "".join(words)


@given(st.lists(st.tuples(st.floats(0, 61), st.floats(0, 2), st.sampled_from(["ja", "jaha.", "o" * 50])), max_size=40))
def test_subtitles_of_words_without_length_have_some_and_neither_overlap_nor_outlast_the_recording(
    heard: list[tuple[float, float, str]],
) -> None:
    words = [Word(f" {text}", start, start + length, 0.9) for start, length, text in sorted(heard)]
    found = cues(transcript(tuple(words)))
    assert all(cue.start < cue.end <= 60 for cue in found)
    assert all(before.end <= after.start for before, after in pairwise(found))


def test_a_short_line_stays_long_enough_to_be_read() -> None:
    first, second = cues(transcript((*spoken("Jaha då så.", pace=0.1), *spoken("Nästa mening kommer.", start=10))))
    assert first.end - first.start >= 1.0
    assert first.end <= second.start - GAP


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_subtitle_files_of_several_speakers_are_read_by_ffmpeg(form: str) -> None:
    with av.open(io.BytesIO(render(call(), form))) as container:
        assert sum(1 for packet in container.demux() if packet.size) == 2


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_subtitle_files_are_read_by_ffmpeg_and_by_a_library(form: str) -> None:
    data = render(transcript(spoken("Välkommen till mötet. <b>Ja</b> & nej {här}.")), form)
    with av.open(io.BytesIO(data)) as container:
        assert sum(1 for packet in container.demux() if packet.size) == 2
    assert len(pysubs2.SSAFile.from_string(data.decode())) == 2
    assert "nej (här)." in data.decode()


def test_a_browsers_track_gets_its_header_and_escaped_text() -> None:
    data = render(transcript(spoken("Mindre < än & större --> bra.")), "vtt").decode()
    assert data.startswith("WEBVTT\n\n")
    assert "&lt; än &amp; större" in data
    assert data.count("-->") == 1


def test_every_format_is_written_for_a_recording_without_words() -> None:
    silent = transcript(())
    assert {form: render(silent, form) for form in FORMATS if form != "json"} == {
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
    both = transcript(spoken("Hej du."), spoken("Hej själv.", 0.1), speakers=2, channels="separate")
    segments = json.loads(render(both, "json"))["segments"]
    assert [(segment["channel"], segment["text"]) for segment in segments] == [(0, "Hej du."), (1, "Hej själv.")]


def call(**options: object) -> Transcript:
    return transcript(spoken("Hej du."), spoken("Hej själv.", 0.1), speakers=2, channels="separate", **options)


def test_where_several_speak_the_files_for_people_say_who() -> None:
    assert render(call(), "txt").decode() == "Talare 1: Hej du.\nTalare 2: Hej själv.\n"
    assert render(call(), "srt").decode().count("Talare 1: Hej du.") == 1
    assert render(call(), "vtt").decode().count("<v Talare 2>Hej själv.") == 1


def test_a_name_leaves_room_for_the_line_that_follows_it() -> None:
    both = transcript(spoken("någonting " * 30), spoken("Hej själv.", 0.1), speakers=2, channels="separate")
    lines = [line for line in render(both, "srt").decode().splitlines() if "någonting" in line]
    assert sum(line.startswith("Talare 1: ") for line in lines) > 1
    assert max(map(len, lines)) <= LINE


def test_tsv_has_a_column_for_the_channel_when_channels_are_asked_for() -> None:
    assert render(call(), "tsv").decode().splitlines() == [
        "start\tend\ttext\tchannel",
        "0\t720\tHej du.\t0",
        "100\t820\tHej själv.\t1",
    ]


def test_one_speaker_needs_no_name() -> None:
    alone = transcript(spoken("Hej du."), speakers=2, channels="separate")
    assert render(alone, "txt").decode() == "Hej du.\n"
    assert "<v" not in render(alone, "vtt").decode()


def test_speakers_are_named_in_the_language_that_they_speak() -> None:
    assert set(replace(call(), language="fi").speakers.values()) == {"Speaker 1", "Speaker 2"}


def test_the_report_counts_what_was_doubted() -> None:
    quality = transcript(spoken("Ett två."), spoken("Tre.", 5), ()).quality
    assert (quality.clips, quality.flagged_clips, quality.flags) == (3, 1, {"unsure": 1})
    assert quality.covered_share == pytest.approx(2 / 3, abs=0.001)
    assert quality.confidence["mean"] == 0.9
    assert quality.short()["flagged_clips"] == 1
