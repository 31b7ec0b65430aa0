"""Subtitles that fit the screen, can be read in their time, and are understood by players."""

from __future__ import annotations

import io
from itertools import pairwise

import av
import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.transcript.formats import render
from services.common.transcript.subtitles import GAP, LINE_CHARACTERS, LONGEST, MOST_LINES, Cue, cues, wrap
from services.common.transcript.transcript import Transcript
from services.common.transcript.words import Word
from services.gpu_worker.engine.plan.plan import Plan
from tests.support.transcripts import TICK, call, recordings, spoken, transcript


@given(st.lists(st.text("abcdefghijåäö", min_size=1, max_size=60), min_size=1, max_size=60), st.floats(0.05, 1.0))
def test_subtitles_fit_the_screen_and_never_overlap(words: list[str], pace: float) -> None:
    found = cues(transcript(spoken(" ".join(words), pace=min(pace, 50 / len(words)))))
    assert all(len(line) <= LINE_CHARACTERS for cue in found for line in cue.lines)
    assert all(len(cue.lines) <= MOST_LINES for cue in found)
    assert all(cue.start < cue.end for cue in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert "".join("".join(cue.lines) for cue in found).replace(" ", "") == "".join(words)


@given(st.text("abå ", max_size=100).map(str.strip), st.integers(1, 50))
def test_the_lines_of_a_text_are_as_few_and_as_equal_as_can_be(text: str, width: int) -> None:
    halves = [(text[:at], text[at + 1 :]) for at, character in enumerate(text) if character == " "]
    fitting = [abs(len(upper) - len(lower)) for upper, lower in halves if max(len(upper), len(lower)) <= width]
    lines = wrap(text, width)
    if len(text) <= width:
        assert lines == (text,)
    elif not fitting:
        assert lines is None
    else:
        assert lines is not None
        upper, lower = lines
        assert f"{upper} {lower}" == text
        assert max(len(upper), len(lower)) <= width
        assert abs(len(upper) - len(lower)) == min(fitting)


def test_a_line_holds_42_characters_and_a_subtitle_two_lines() -> None:
    def shown(*lengths: int) -> list[list[int]]:
        said = " ".join("o" * length for length in lengths)
        return [[len(line) for line in cue.lines] for cue in cues(transcript(spoken(said, pace=0.1)))]

    assert shown(20, 21) == [[42]]
    assert shown(20, 22) == [[20, 22]]
    assert shown(42, 42) == [[42, 42]]
    assert shown(28, 28, 28) == [[28], [28, 28]], "a third line would be one too many"


@pytest.mark.parametrize("length", [43, 84, 85, 100])
def test_a_word_longer_than_a_line_is_cut_into_as_many_as_hold_it(length: int) -> None:
    (cue,) = cues(transcript(spoken("o" * length)))
    assert cue.lines == tuple("o" * min(42, length - start) for start in range(0, length, 42))


@pytest.mark.parametrize(("characters", "seconds"), [(34, 2.0), (68, 4.0), (5, 1.0)])
def test_a_subtitle_stays_for_17_characters_a_second_and_for_a_second_at_least(characters: int, seconds: float) -> None:
    half = characters // 2
    said = " ".join("o" * length for length in (half, characters - half - 1))
    (cue,) = cues(transcript(spoken(said, pace=0.1)))
    assert (cue.start, cue.end) == (0.0, seconds)


def test_a_sentence_of_more_than_seven_seconds_becomes_several_subtitles() -> None:
    assert len(cues(transcript((Word(" ja", 0.0, 3.5, 0.9), Word(" nej.", 3.5, 6.99, 0.9))))) == 1
    assert len(cues(transcript((Word(" ja", 0.0, 3.5, 0.9), Word(" nej.", 3.5, 7.01, 0.9))))) == 2


@given(recordings())
def test_subtitles_are_seen_in_order_for_no_longer_than_their_limit(recording: tuple[Plan, Transcript]) -> None:
    by_speaker: dict[str, list[Cue]] = {}
    for cue in cues(recording[1]):
        by_speaker.setdefault(cue.speaker, []).append(cue)
    for shown in by_speaker.values():
        assert all(before.end <= after.start for before, after in pairwise(shown))
        assert all(TICK <= round(cue.end - cue.start, 3) <= LONGEST for cue in shown)
        # Only a single word has more lines: no line of it ends where a word does.
        assert all(len(cue.lines) <= MOST_LINES or " " not in "".join(cue.lines) for cue in shown)


def test_a_single_word_that_lasts_too_long_is_taken_off_the_screen() -> None:
    first, second = cues(transcript((Word(" Jaaaa", 1.0, 19.0, 0.9), *spoken("och nej.", start=19.0))))
    assert (first.start, first.end, second.start) == (1.0, 8.0, 19.0)


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


def test_a_name_leaves_room_for_the_line_that_follows_it() -> None:
    both = transcript(spoken("någonting " * 30), spoken("Hej själv.", 0.1), channel_count=2, channels="separate")
    lines = [line for line in render(both, "srt").decode().splitlines() if "någonting" in line]
    assert sum(line.startswith("Talare 1: ") for line in lines) > 1
    assert max(map(len, lines)) <= LINE_CHARACTERS
