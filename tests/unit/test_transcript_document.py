"""The docx, read back as a word processor reads it."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from dataclasses import replace

import docx
import pytest
from docx.document import Document
from docx.oxml.ns import qn

from services.common.transcript.formats import media_type, render
from services.common.transcript.transcript import Transcript
from services.common.transcript.words import Word
from tests.support.transcripts import call, spoken, transcript

IN_ANOTHER_PROCESS = """
import hashlib
from services.common.transcript.formats import render
from tests.support.transcripts import call
print(hashlib.sha256(render(call(formats=["docx"], doubtful_places=True), "docx")).hexdigest())
"""


def written(told: Transcript) -> Document:
    return docx.Document(io.BytesIO(render(told, "docx")))


def paragraphs(told: Transcript) -> list[str]:
    return [paragraph.text for paragraph in written(told).paragraphs]


def languages(document: Document) -> set[str]:
    (language,) = document.styles.element.xpath("w:docDefaults//w:lang")
    return {language.get(qn(f"w:{attribute}")) for attribute in ("val", "eastAsia", "bidi")}


def test_each_turn_is_a_paragraph_with_its_time_and_its_speaker() -> None:
    assert paragraphs(call()) == ["Transkription", "00:00:00\tTalare 1: Hej du.", "00:00:00\tTalare 2: Hej själv."]


def test_one_speaker_is_given_no_name() -> None:
    assert paragraphs(transcript(spoken("Hej du.", start=7.9))) == ["Transkription", "00:00:07\tHej du."]


def test_times_go_on_beyond_the_hour() -> None:
    late = transcript(spoken("Sent."))
    (segment,) = late.segments
    assert paragraphs(replace(late, segments=(replace(segment, start=36_061.9),)))[1] == "10:01:01\tSent."


@pytest.mark.parametrize(("language", "named", "title"), [("sv", "sv-SE", "Transkription"), ("cy", "cy", "Transcript")])
def test_spelling_is_checked_in_the_language_that_was_spoken(language: str, named: str, title: str) -> None:
    document = written(replace(call(), language=language))
    assert languages(document) == {named}
    assert document.settings.element.xpath("w:proofState") == [], "nothing counts as checked already"
    assert (document.core_properties.language, document.core_properties.title) == (named, title)


def test_a_document_tells_of_no_program_no_person_and_no_date() -> None:
    content = render(call(), "docx")
    properties = docx.Document(io.BytesIO(content)).core_properties
    assert (properties.author, properties.comments, properties.last_modified_by) == ("", "", "")
    assert (properties.created, properties.modified) == (None, None)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert not {name for name in archive.namelist() if "thumbnail" in name or "app.xml" in name}
        assert not any(b"python" in archive.read(name) for name in archive.namelist())


def test_the_same_transcript_gives_the_same_bytes_in_every_process() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", IN_ANOTHER_PROCESS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    ours = hashlib.sha256(render(call(formats=["docx"], doubtful_places=True), "docx")).hexdigest()
    assert digests == {ours.encode()}


def test_every_character_is_written_and_read_back_but_for_those_that_xml_cannot_carry() -> None:
    characters = [chr(code) for code in (*range(0x20000), sys.maxunicode)]
    told = transcript(spoken("Före."))
    (segment,) = told.segments
    *_, turn = paragraphs(replace(told, segments=(replace(segment, text="".join(characters)),)))
    expected = "".join(character if _is_xml(character) else "\ufffd" for character in characters)
    assert turn == "00:00:00\t" + " ".join(expected.split())


def _is_xml(character: str) -> bool:
    """As the specification of XML 1.0 defines a character."""
    code = ord(character)
    return code in {0x9, 0xA, 0xD} or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def test_doubtful_places_are_listed_when_they_are_asked_for() -> None:
    words = (Word(" Vi", 61.0, 61.5, 0.9), Word(" åker", 62.0, 62.5, 0.304), Word(" nu.", 63.0, 63.5, 0.9))
    minutes = replace(transcript(spoken("Ett.")), seconds=120.0)
    (segment,) = minutes.segments
    told = replace(minutes, segments=(replace(segment, text="Vi åker nu.", words=words),))
    assert written(told).tables == []
    asked = written(replace(told, options=replace(told.options, formats=("docx",), doubtful_places=True)))
    (table,) = asked.tables
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["Tid", "Text", "Säkerhet"],
        ["00:01:02", "åker", "30\u00a0%"],
    ]
    assert asked.paragraphs[-1].text == "Tveksamma ställen"


def test_a_document_that_was_asked_for_doubtful_places_and_has_none_says_so() -> None:
    told = transcript(spoken("Säkert."), formats=["docx"], doubtful_places=True)
    assert paragraphs(told)[-2:] == ["Tveksamma ställen", "Inga."]
    assert written(told).tables == []


def test_a_recording_without_words_is_a_document_with_a_title_alone() -> None:
    assert paragraphs(transcript(())) == ["Transkription"]


@pytest.mark.parametrize(("language", "leftwards"), [("he", True), ("ur", True), ("sv", False), ("tr", False)])
def test_a_language_written_from_right_to_left_is_set_from_right_to_left(language: str, *, leftwards: bool) -> None:
    told = transcript(spoken("שלום."), spoken("כן.", probability=0.1), formats=["docx"], doubtful_places=True)
    asked = written(replace(told, language=language))
    body = asked.element.body
    assert len(body.xpath(".//w:p")) == len(asked.paragraphs) + 2 * 3, "two rows of three cells are looked at too"
    assert {bool(paragraph.xpath("w:pPr/w:bidi")) for paragraph in body.xpath(".//w:p")} == {leftwards}
    assert {bool(run.xpath("w:rPr/w:rtl")) for run in body.xpath(".//w:r")} == {leftwards}
    assert [bool(table.table_direction) for table in asked.tables] == [leftwards]


def test_the_turns_of_a_long_recording_keep_their_order_before_the_settings_of_the_page() -> None:
    long = transcript(spoken("Ett."))
    (segment,) = long.segments
    texts = [f"Mening {number}." for number in range(3000)]
    told = replace(
        long,
        segments=tuple(
            replace(segment, text=text, start=number * 10.0, end=number * 10.0 + 1) for number, text in enumerate(texts)
        ),
    )
    document = written(told)
    assert [paragraph.text.partition("\t")[2] for paragraph in document.paragraphs[1:]] == texts
    assert document.element.body[-1].tag == qn("w:sectPr")


def test_a_docx_is_served_as_what_browsers_open_in_a_word_processor() -> None:
    assert media_type("docx") == "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
