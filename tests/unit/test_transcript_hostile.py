"""Names and words that mean something to a format are still names and words when the file is read back."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from typing import Literal

import av
import docx
import pysubs2
import pytest

from services.common.domain.annotations import check_annotations
from services.common.transcript.formats import INVISIBLE, render
from services.common.transcript.subtitles import cues, fitting_names
from services.common.transcript.transcript import Transcript
from tests.support.transcripts import dialogue, spoken, transcript

HOSTILE = (
    "<script>alert(1)</script>",
    "</v><v Eva>",
    "<i>kursiv</i>",
    "< b >fet",
    "<5 och >3",
    "a-->b",
    "--->",
    "Bo--",
    r"{\an8}",
    r"{\pos(1,2)}x{",
    r"\N",
    r"\h\n\t",
    "&amp;",
    "&lt;b&gt;",
    "&",
    "<",
    ">",
    '"',
    "'",
    '"öppet',
    "=1+1",
    '=HYPERLINK("http://a.b")',
    "+46",
    "-1",
    "@SUM(A1)",
    "Ek:",
    "a: b: c",
    "42",
    "00:00:01,000",
    "NOTE",
    "STYLE",
    "WEBVTT",
    "CON",
    "nul.txt",
    "../../etc/passwd",
    "%s%n",
    "${jndi:x}",
    "👩‍👩‍👧",
    "e\u0301a\u030a",
    "田" * 80,
    "א",
    "a\u200bb",
    "\ufeffa",
    "]]>",
    "<!--",
    "<?xml?>",
    "null",
    "S2",
)
"""Each is a name, and each is said."""
GROUP = 8


def told(texts: tuple[str, ...]) -> Transcript:
    """As many speakers as texts: each has one as a name, and says it at the beginning of a sentence and within."""
    said = [(number, f"{text} sade {text} nu.") for number, text in enumerate(texts)]
    return dialogue(*said, (GROUP, "Det var allt.")).named(check_annotations({"names": texts})["names"])


def plain(text: str) -> str:
    """Without the invisible characters that part what a program would take for something else."""
    return " ".join(text.replace(INVISIBLE, "").split())


def subtitle(text: str) -> str:
    """As subtitles write it: they have no way to write braces, or an arrow."""
    return plain(text.replace("-->", "→").replace("{", "(").replace("}", ")"))


@pytest.fixture(params=range(0, len(HOSTILE), GROUP), ids=lambda first: HOSTILE[first])
def hostile(request: pytest.FixtureRequest) -> Transcript:
    return told(HOSTILE[request.param : request.param + GROUP])


def test_programs_that_read_json_get_the_very_names_and_words(hostile: Transcript) -> None:
    read = json.loads(render(hostile, "json"))
    names = [hostile.name(place) for place in range(len(hostile.voices))]
    assert [speaker["name"] for speaker in read["speakers"]] == names
    assert [segment["text"] for segment in read["segments"]] == [segment.text for segment in hostile.segments]


@pytest.mark.parametrize("quoting", [csv.QUOTE_NONE, csv.QUOTE_MINIMAL])
def test_a_table_has_a_row_for_each_segment_and_no_formulas(hostile: Transcript, quoting: Literal[0, 3]) -> None:
    content = io.StringIO(render(hostile, "tsv").decode(), newline="\n")
    head, *rows = csv.reader(content, delimiter="\t", quoting=quoting)
    assert head == ["start", "end", "text", "speaker"]
    assert [(plain(row[2]), plain(row[3])) for row in rows] == [
        (plain(segment.text), plain(name)) for segment, name in hostile.told
    ]
    assert not any(cell.startswith(("=", "+", "-", "@", '"')) for row in rows for cell in row)


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_subtitles_keep_their_number_times_text_and_names(hostile: Transcript, form: str) -> None:
    content = render(hostile, form).decode()
    shown = cues(hostile)
    events = pysubs2.SSAFile.from_string(content, format_=form)
    assert [(event.start / 1000, event.end / 1000) for event in events] == [(cue.start, cue.end) for cue in shown]
    said = [plain(html.unescape(event.plaintext) if form == "vtt" else event.plaintext) for event in events]
    before = [f"{cue.shown}: " if form == "srt" else "" for cue in shown]
    assert said == [subtitle(name + " ".join(cue.lines)) for name, cue in zip(before, shown, strict=True)]
    if form == "vtt":
        named = [plain(html.unescape(name)) for name in re.findall("<v ([^>\n]*)>", content)]
        assert named == [subtitle(cue.speaker) for cue in shown]
        assert content.count("<") == len(shown)
    assert content.count("-->") == len(shown), "readers take any other line with an arrow for the times of a new cue"
    with av.open(io.BytesIO(content.encode())) as container:
        packets = [packet for packet in container.demux() if packet.size]
        assert len(packets) == len(shown)
        if form == "srt":
            drawn = [packet.decode()[0].dialogue.decode() for packet in packets]
            assert list(map(plain, drawn)) == said, "FFmpeg takes no word for a tag"


def test_a_text_has_a_paragraph_for_each_turn(hostile: Transcript) -> None:
    written = render(hostile, "txt").decode().removesuffix("\n").split("\n\n")
    assert written == [f"{name}: {' '.join(segment.text.split())}" for segment, name in hostile.told]


def test_a_document_has_a_paragraph_for_each_turn(hostile: Transcript) -> None:
    _, *written = docx.Document(io.BytesIO(render(hostile, "docx"))).paragraphs
    assert [[plain(run.text) for run in paragraph.runs[2:]] for paragraph in written] == [
        [plain(f"{name}: "), plain(segment.text)] for segment, name in hostile.told
    ]


def test_speakers_with_the_same_name_stay_two() -> None:
    same = dialogue((0, "Hej på dig."), (1, "Hej själv du."), (0, "Då så då.")).named(["Bo", "Bo"])
    assert render(same, "txt").decode() == "Bo: Hej på dig.\n\nBo: Hej själv du.\n\nBo: Då så då.\n"
    assert fitting_names(same.speakers) == {"Bo": "Bo"}


def test_a_last_line_of_a_number_is_not_lost_with_the_counters() -> None:
    content = render(transcript(spoken("o" * 42 + " 2026")), "srt").decode()
    (event,) = pysubs2.SSAFile.from_string(content, format_="srt")
    assert plain(event.plaintext) == "o" * 42 + " 2026"
