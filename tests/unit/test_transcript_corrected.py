"""Corrections applied: untouched words stay as they are, new ones get the time between, and every format has them."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pysubs2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.common.domain.corrections import Change, CorrectedSegment, Kept, parse
from services.common.domain.errors import InvalidCorrectionError
from services.common.domain.options import FORMATS
from services.common.transcript.corrected import SURE, corrected
from services.common.transcript.formats import render
from services.common.transcript.segments import Segment
from services.common.transcript.subtitles import cues
from services.common.transcript.transcript import Transcript
from services.common.transcript.words import Word
from tests.support.transcripts import call, dialogue, recordings, spoken, texts_of_people, transcript

HEARD = dialogue((0, "Hej du."), (1, "Hej själv."), (0, "Jaha ja."), words=True)
"""Six words in three segments."""


def said(*pieces: Any, speaker: int | None = 0) -> CorrectedSegment:
    """A segment: ranges are given as pairs."""
    return CorrectedSegment(speaker, tuple(piece if isinstance(piece, str) else Kept(*piece) for piece in pieces))


def told(transcript: Transcript) -> list[tuple[int | None, str]]:
    return [(segment.speaker, segment.text) for segment in transcript.segments]


def words_of(transcript: Transcript) -> list[Word]:
    return [word for segment in transcript.segments for word in segment.words]


@st.composite
def corrected_recordings(draw: st.DrawFn) -> tuple[Transcript, tuple[Change, ...]]:
    """A recording of up to two channels, with or without speakers, and changes that fit it."""
    _, machine = draw(recordings())
    if asks := draw(st.booleans()):
        machine = replace(machine, options=replace(machine.options, speakers=HEARD.options.speakers))
    speakers = st.none() | st.integers(0, 4) if asks else st.none()
    starts = [0]
    for segment in machine.segments:
        starts.append(starts[-1] + len(segment.words))
    changes, place = [], 0
    while place < len(starts) and draw(st.booleans()):
        begin = draw(st.integers(place, len(starts) - 1))
        end = draw(st.integers(begin, len(starts) - 1))
        segments, kept = [], starts[begin]
        for _ in range(draw(st.integers(0, 3))):
            pieces: list[Kept | str] = []
            for _ in range(draw(st.integers(1, 3))):
                if kept < starts[end] and draw(st.booleans()):
                    first = draw(st.integers(kept, starts[end] - 1))
                    kept = draw(st.integers(first + 1, starts[end]))
                    pieces.append(Kept(first, kept))
                else:
                    pieces.append(draw(texts_of_people()))
            segments.append(CorrectedSegment(draw(speakers), tuple(pieces)))
        changes.append(Change(starts[begin], starts[end], tuple(segments)))
        place = end + (begin == end)
    return machine, tuple(changes)


ON_ANY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Others use the machine, too, and what writes a format is imported for the first one."""


@ON_ANY_MACHINE
@given(corrected_recordings())
def test_kept_words_stay_as_they_are_and_new_ones_never_go_back_in_time(
    case: tuple[Transcript, tuple[Change, ...]],
) -> None:
    machine, changes = case
    made = corrected(machine, changes)
    heard = words_of(machine)
    in_order = all(before.end <= after.start for before, after in pairwise(heard))
    found = iter(made.segments)
    place = 0
    for change in changes:
        while place < change.first:
            kept = next(found)
            assert kept.words == tuple(heard[place : place + len(kept.words)])
            place += len(kept.words)
        for wanted in change.segments:
            _check(next(found), wanted, heard)
        place = change.end
    for segment in found:
        assert segment.words == tuple(heard[place : place + len(segment.words)])
        place += len(segment.words)
    assert place == len(heard)
    assert all(0 <= word.start <= word.end <= machine.seconds for word in words_of(made))
    if in_order:
        assert all(before.end <= after.start for before, after in pairwise(words_of(made)))
    assert corrected(machine, ()) is machine


def _check(made: Segment, wanted: CorrectedSegment, heard: list[Word]) -> None:
    """Whether a segment has the words that were wanted."""
    texts: list[str] = []
    for piece in wanted.pieces:
        if isinstance(piece, Kept):
            kept = made.words[len(texts) : len(texts) + piece.end - piece.first]
            texts += [word.text.strip() for word in kept]
            for now, before in zip(kept, heard[piece.first : piece.end], strict=True):
                assert (now.start, now.end, now.probability) == (before.start, before.end, before.probability)
                assert now.text.strip() == before.text.strip()
        else:
            new = made.words[len(texts) : len(texts) + len(piece.split())]
            texts += piece.split()
            assert {word.probability for word in new} == {SURE}
    assert [word.text.strip() for word in made.words] == texts
    assert made.text.split() == texts
    assert made.flags == ()
    assert (made.start, made.speaker) == (made.words[0].start, wanted.speaker)
    assert {word.speaker for word in made.words} == {wanted.speaker}


@ON_ANY_MACHINE
@given(corrected_recordings())
def test_every_format_holds_whatever_was_corrected(case: tuple[Transcript, tuple[Change, ...]]) -> None:
    made = corrected(*case)
    for form in FORMATS:
        if form != "docx":  # takes longer, and has its own test
            assert isinstance(render(made, form), bytes)
    rows = render(made, "tsv").decode().removesuffix("\n").split("\n")
    assert len(rows) == 1 + len(made.segments)
    assert not any(cell.startswith(("=", "+", "-", "@", '"')) for row in rows for cell in row.split("\t"))
    shown = cues(made)
    assert all(cue.start < cue.end for cue in shown)
    assert render(made, "vtt").count(b"-->") == len(shown)
    assert len(pysubs2.SSAFile.from_string(render(made, "srt").decode(), format_="srt")) == len(shown)


def test_new_words_share_the_time_between_the_kept_ones_by_their_lengths() -> None:
    heard = transcript(spoken("ett två tre fyra", pace=1.0))
    (segment,) = corrected(heard, [Change(0, 4, (said((0, 1), "a bcd", (3, 4), speaker=None),))]).segments
    assert [(word.text, word.start, word.end) for word in segment.words] == [
        (" ett", 0.0, 0.8),
        (" a", 0.8, 1.35),
        (" bcd", 1.35, 3.0),
        (" fyra", 3.0, 3.8),
    ]
    assert segment.confidence == round((0.9 * 2 + 2) / 4, 4)


def test_new_words_at_the_edges_of_a_change_have_the_time_of_the_replaced_ones() -> None:
    heard = transcript(spoken("ett två.", pace=1.0), spoken("tre fyra.", 5.0, pace=1.0))
    (first, second) = corrected(heard, [Change(0, 2, (said("nytt", speaker=None),))]).segments
    assert (first.start, first.end, first.flags) == (0.0, 1.8, ())
    assert second == heard.segments[1]


def test_an_insertion_has_the_time_between_the_words_around_it() -> None:
    heard = transcript(spoken("ett två.", pace=1.0), spoken("tre fyra.", 5.0, pace=1.0))
    inserted = [corrected(heard, [Change(at, at, (said("nytt", speaker=None),))]) for at in (0, 2, 4)]
    places = [next(segment for segment in one.segments if segment.text == "nytt") for one in inserted]
    assert [(one.start, one.end) for one in places] == [(0.0, 0.0), (1.8, 5.0), (6.8, 60.0)]


def test_words_that_are_inserted_where_there_is_no_time_are_shown_all_the_same() -> None:
    heard = transcript((Word(" ett.", 0, 1, 0.9), Word(" två.", 1, 2, 0.9)))
    made = corrected(heard, [Change(1, 1, (said("mitt emellan.", speaker=None),))])
    assert [(word.start, word.end) for word in made.segments[1].words] == [(1, 1), (1, 1)]
    for form in ("srt", "vtt"):
        assert "mitt emellan." in render(made, form).decode()
    assert len({(cue.start, cue.lines) for cue in cues(made)}) == 3


def test_segments_are_split_joined_moved_and_deleted() -> None:
    made = corrected(
        HEARD,
        [Change(0, 4, (said((0, 1)), said((1, 3), speaker=1))), Change(4, 6)],
    )
    assert told(made) == [(0, "Hej"), (1, "du. Hej")]
    assert [voice.words for voice in made.voices] == [1, 2]


def test_a_person_may_add_a_speaker_and_take_all_words_of_another() -> None:
    made = corrected(HEARD, [Change(2, 4, (said((2, 4), speaker=3),))]).named(["Anna", "Bo", None, "Eva"])
    assert [voice.words for voice in made.voices] == [4, 0, 0, 2]
    assert render(made, "txt").decode() == "Anna: Hej du.\n\nEva: Hej själv.\n\nAnna: Jaha ja.\n"
    read = json.loads(render(made, "json"))
    assert [one["id"] for one in read["speakers"]] == ["S1", "S2", "S3", "S4"]
    assert read["quality"]["speaker_count"] == 2
    assert read["segments"][1]["speaker"] == "S4"


def test_where_speakers_were_asked_for_and_nobody_was_found_a_person_may_say_who_speaks() -> None:
    nobody = dialogue((None, "Hej du."))
    made = corrected(nobody, [Change(0, 2, (said((0, 2)),))])
    assert (nobody.voices, [voice.words for voice in made.voices]) == ((), [2])


def test_kept_words_stay_on_their_channel_and_new_ones_go_to_their_speakers() -> None:
    heard = call(speakers="auto")
    channels = [segment.channel for segment in heard.segments]
    made = corrected(heard, [Change(2, 4, (said("Nej", (2, 4), speaker=None),))])
    assert [segment.channel for segment in made.segments] == channels == [0, 1]


def test_words_that_did_not_touch_before_do_not_run_together() -> None:
    glued = (Word("ett", 0, 1, 0.9), Word("två.", 1, 2, 0.9))
    heard = transcript(glued)
    (kept,) = corrected(heard, [Change(0, 2, (said((0, 1), (1, 2), speaker=None),))]).segments
    (parted,) = corrected(heard, [Change(0, 2, (said((0, 1), "och", (1, 2), speaker=None),))]).segments
    assert (kept.text, parted.text) == ("etttvå.", "ett och två.")


@pytest.mark.parametrize(
    ("heard", "change", "field", "words"),
    [
        (HEARD, Change(0, 7), "changes.0.end", "6 words"),
        (HEARD, Change(9, 9), "changes.0.first", "6 words"),
        (HEARD, Change(1, 2), "changes.0.first", "where segments do"),
        (HEARD, Change(0, 3), "changes.0.end", "where segments do"),
        (
            transcript(spoken("Hej.")),
            Change(0, 1, (said("a", speaker=None), said("b"))),
            "changes.0.segments.1.speaker",
            "did not ask",
        ),
    ],
)
def test_changes_that_do_not_fit_the_words_are_refused_with_their_place(
    heard: Transcript, change: Change, field: str, words: str
) -> None:
    with pytest.raises(InvalidCorrectionError) as refused:
        corrected(heard, [change])
    assert refused.value.field == field
    assert words in str(refused.value)


def test_a_transcript_without_words_can_be_written_by_hand() -> None:
    empty = transcript()
    made = corrected(empty, [Change(0, 0, (said("Allt är nytt.", speaker=None),))])
    assert (made.text, made.segments[0].start, made.segments[0].end) == ("Allt är nytt.", 0.0, 60.0)


@pytest.mark.parametrize(
    "text",
    ["=cmd|' /C calc'!A0", "+46", "-1", "@SUM(A1)", '"öppet', "a --> b", "<v Eva>", "שלום", "👩‍👩‍👧", "\ufffe\uffff"],
)
def test_a_hostile_text_is_a_text_in_every_format(text: str) -> None:
    changes = [{"first": 0, "end": 2, "segments": [{"speaker": None, "pieces": [text]}]}]
    made = corrected(transcript(spoken("Hej du.")), parse(changes))
    files = {form: render(made, form) for form in FORMATS}
    assert json.loads(files["json"])["segments"][0]["text"] == text
    assert files["txt"].decode() == f"{text}\n"
    (cell,) = [row.split("\t")[2] for row in files["tsv"].decode().splitlines()[1:]]
    assert not cell.startswith(("=", "+", "-", "@", '"'))
    assert cell.endswith(text)
    assert files["vtt"].count(b"-->") == files["srt"].count(b"-->") == 1
    ET.fromstring(ZipFile(io.BytesIO(files["docx"])).read("word/document.xml"))


def test_a_million_bytes_are_applied_and_written_in_a_time_that_grows_with_them_alone() -> None:
    """Half of them against all of them, in processor time: what grows with the square takes four times as long."""

    def taken(count: int) -> float:
        made = corrected(transcript(), [Change(0, 0, (said("ord, ord " * count, speaker=None),))])
        began = time.process_time()
        render(made, "srt")
        return time.process_time() - began

    taken(1_000)
    least = [min(taken(count) for _ in range(3)) for count in (4_000, 8_000)]
    assert least[1] < 3 * least[0]


def test_thirty_thousand_words_are_corrected_in_linear_time() -> None:
    def taken(count: int) -> float:
        machine = replace(HEARD, seconds=count * 2.0, segments=tuple(_segment(number) for number in range(count)))
        changes = [Change(10 * n, 10 * n + 10, (said((10 * n, 10 * n + 4), "nya ord"),)) for n in range(count)]
        began = time.process_time()
        corrected(machine, changes)
        return time.process_time() - began

    taken(100)
    least = [min(taken(count) for _ in range(3)) for count in (1_500, 3_000)]
    assert least[1] < 3 * least[0]


def _segment(number: int) -> Segment:
    words = tuple(Word(" ord", 2 * number + place / 10, 2 * number + place / 10 + 0.05, 0.9, 0) for place in range(10))
    return Segment(
        start=words[0].start, end=words[-1].end, text="ord", confidence=0.9, channel=0, flags=(), words=words, speaker=0
    )
