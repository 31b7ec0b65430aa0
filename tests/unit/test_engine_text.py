"""From clip results to files: segments, subtitles, formats, quality."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from itertools import pairwise, zip_longest
from pathlib import Path

import av
import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.domain.options import FORMATS, Options
from services.common.transcript.formats import render
from services.common.transcript.quality import Remark
from services.common.transcript.sentences import LONGEST_PAUSE, sentences
from services.common.transcript.subtitles import GAP, LINE, LINES, LONGEST, Cue, cues
from services.common.transcript.transcript import Transcript
from services.common.transcript.words import Word
from services.gpu_worker.engine.assembly import assemble
from services.gpu_worker.engine.audio.sound import RATE, MediaInfo
from services.gpu_worker.engine.decode.model_files import ModelFiles
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.plan import Clip, Plan, PlannedPart
from services.gpu_worker.engine.quality_report import report

MODEL = ModelFiles(Path("model"), "any", "standard", "abc", {})
SOURCE = MediaInfo("wav", "pcm_s16le", RATE, 1, 60.0)
TICK = 0.001
"""Seconds: the formats' own unit."""


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
    plan = Plan(60 * RATE, speakers, "sv", 60 * RATE, laid, (PlannedPart(0, 0, 60 * RATE, 0, len(laid)),), SOURCE)
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
    plan = Plan(RATE, 1, "sv", RATE, (Clip(0, 0, ((0, RATE),)),), (PlannedPart(0, 0, RATE, 0, 1),), SOURCE)
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


@st.composite
def recordings(draw: st.DrawFn) -> tuple[Plan, Transcript]:
    """Up to two channels of clips with silences cut out, and words with and without length, some beyond their clip."""
    clips: list[Clip] = []
    results: list[ClipResult] = []
    end = RATE
    for channel in range(draw(st.integers(1, 2))):
        position = 0
        for _ in range(draw(st.integers(1, 3))):
            spans = []
            for _ in range(draw(st.integers(1, 4))):
                start = position + draw(st.sampled_from([0, 5000, 25_000, 400_000]))
                position = start + draw(st.integers(RATE // 10, 10 * RATE))
                spans.append((start, position))
            clips.append(Clip(len(clips), channel, tuple(spans)))
            moment, words = 0.0, []
            for pause, length, text in draw(st.lists(st.tuples(MOMENTS, MOMENTS, WORDS), max_size=20)):
                placed = clips[-1].place(moment + pause, moment + pause + length)
                words.append(Word(f" {text}", round(placed[0], 3), round(placed[1], 3), 0.9))
                moment += pause + length
            results.append(ClipResult(index=clips[-1].index, words=tuple(words), logprob=-0.2, no_speech=0.0))
        end = max(end, position)
    end += draw(st.integers(0, RATE))
    plan = Plan(end, channel + 1, "sv", end, tuple(clips), (PlannedPart(0, 0, end, 0, len(clips)),), SOURCE)
    return plan, assemble(plan, results, Options.parse({"channels": "separate", "words": True}, ["any"]), MODEL)


MOMENTS = st.sampled_from([0.0, 0.02, 0.3]) | st.floats(0, 9)
WORDS = st.sampled_from(["ja", "jaha.", "o" * 50, "å" * 400])


@given(recordings())
def test_subtitles_are_seen_in_order_for_no_longer_than_their_limit(recording: tuple[Plan, Transcript]) -> None:
    by_speaker: dict[str, list[Cue]] = {}
    for cue in cues(recording[1]):
        by_speaker.setdefault(cue.speaker, []).append(cue)
    for shown in by_speaker.values():
        assert all(before.end <= after.start for before, after in pairwise(shown))
        assert all(TICK <= round(cue.end - cue.start, 3) <= LONGEST for cue in shown)


@given(recordings())
def test_every_format_has_the_same_times_and_none_beyond_the_recording(recording: tuple[Plan, Transcript]) -> None:
    """A segment's first subtitle begins with it. Its last one ends with it or, to be read, later, but not when the next
    one has begun; sooner only where it would be seen for too long.
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
        mine = iter([cue for cue in shown if cue.speaker == names.get(channel, "")])
        for segment, following in zip_longest(segments, segments[1:]):
            first = last = next(mine)
            text = "".join(first.lines)
            while len(text.replace(" ", "")) < len(segment["text"].replace(" ", "")):
                last = next(mine)
                text += "".join(last.lines)
            assert text.replace(" ", "") == segment["text"].replace(" ", "")
            assert segment["start"] == first.start == segment["words"][0]["start"]
            assert segment["end"] == segment["words"][-1]["end"]
            assert last.end >= segment["end"] or round(last.end - last.start, 3) == LONGEST
            assert 0 <= first.start < last.end <= (following["start"] if following else published["duration"])


@given(recordings())
def test_no_segment_reaches_over_a_long_silence_that_was_cut_out(recording: tuple[Plan, Transcript]) -> None:
    plan, result = recording
    for channel in range(plan.channels):
        spans = [span for clip in plan.clips if clip.channel == channel for span in clip.spans]
        silences = [(end / RATE, start / RATE) for (_, end), (start, _) in pairwise(spans)]
        long = [silence for silence in silences if silence[1] - silence[0] > LONGEST_PAUSE + SLACK]
        for segment in [segment for segment in result.segments if segment.channel == channel]:
            assert not any(segment.start < start - SLACK and end + SLACK < segment.end for start, end in long)


SLACK = 60 * TICK
"""Each word without length pushes those behind it on by a tick."""


@pytest.mark.parametrize("samples", [17_016, 17_032])
def test_a_last_word_ends_with_the_recording_when_that_ends_at_half_a_millisecond(samples: int) -> None:
    clips = (Clip(0, 0, ((0, samples),)),)
    plan = Plan(samples, 1, "sv", samples, clips, (PlannedPart(0, 0, samples, 0, 1),), SOURCE)
    result = ClipResult(index=0, words=(Word(" Ja.", 0.5, 2.0, 0.9),), logprob=-0.2, no_speech=0.0)
    told = assemble(plan, [result], Options(), MODEL)
    assert told.segments[0].end == told.seconds


def test_a_single_word_that_lasts_too_long_is_taken_off_the_screen() -> None:
    first, second = cues(transcript((Word(" Jaaaa", 1.0, 19.0, 0.9), *spoken("och nej.", start=19.0))))
    assert (first.start, first.end, second.start) == (1.0, 1.0 + LONGEST, 19.0)


def test_words_aligned_to_nothing_are_a_tick_long_in_every_format() -> None:
    told = transcript((Word(" Ja.", 0.0, 0.0, 0.9), Word(" Nej.", 0.0, 0.0, 0.9), Word(" Jo.", 60.0, 60.0, 0.9)))
    assert render(told, "tsv").decode().splitlines()[1:] == ["0\t1\tJa.", "1\t2\tNej.", "59999\t60000\tJo."]
    assert [cue.start for cue in cues(told)] == [0.0, 0.001, 59.999]


def test_a_short_line_stays_long_enough_to_be_read() -> None:
    first, second = cues(transcript((*spoken("Jaha då så.", pace=0.1), *spoken("Nästa mening kommer.", start=10))))
    assert first.end - first.start >= 1.0
    assert first.end <= second.start - GAP


def test_a_line_leaves_the_screen_for_a_moment_before_the_next_one() -> None:
    first, second = cues(transcript((*spoken("Ja."), *spoken("Nej.", start=0.9))))
    assert second.start == 0.9
    assert first.end == pytest.approx(0.9 - GAP)


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


def test_a_webhook_says_what_is_missing_of_a_recording_and_where() -> None:
    words = spoken("Hej.")
    remarks = (Remark("gaps", "Sound is missing.", 3.5), Remark("tracks_left_out", "Track 2 is left out."))
    plan = Plan(
        RATE, 1, "sv", RATE, (Clip(0, 0, ((0, RATE),)),), (PlannedPart(0, 0, RATE, 0, 1),), SOURCE, None, remarks
    )
    quality = report(plan, [ClipResult(index=0, words=words, logprob=-0.2, no_speech=0.0)])
    assert quality.short()["warnings"] == ["gaps", "tracks_left_out"]
    assert quality.short()["remarks"] == [
        {"code": "gaps", "message": "Sound is missing.", "at": 3.5},
        {"code": "tracks_left_out", "message": "Track 2 is left out.", "at": None},
    ]
