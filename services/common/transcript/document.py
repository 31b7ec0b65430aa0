"""Writes a transcript as a Word document, for people who go on working with the text. Pure: returns bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_DIRECTION
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml.ns import qn
from docx.oxml.parser import OxmlElement
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Mm, RGBColor
from docx.text.paragraph import Paragraph

from services.common.transcript.doubtful_places import DoubtfulPlace, doubtful_places
from services.common.transcript.transcript import Transcript
from services.common.transcript.turns import Turn

_LOCALES: Mapping[str, str] = {
    "da": "da-DK",
    "de": "de-DE",
    "en": "en-US",
    "es": "es-ES",
    "fi": "fi-FI",
    "fr": "fr-FR",
    "is": "is-IS",
    "nn": "nn-NO",
    "no": "nb-NO",
    "sv": "sv-SE",
}
"""Spell checkers have a language and a country. A language that is not listed here is named by its code alone."""
_RIGHT_TO_LEFT = {"ar", "fa", "he", "ps", "sd", "ur", "yi"}
"""Languages that are written from right to left, of those that the models know."""
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot carry."""
_OF_THE_TEMPLATE = {
    RELATIONSHIP_TYPE.EXTENDED_PROPERTIES,
    RELATIONSHIP_TYPE.THUMBNAIL,
    "http://schemas.microsoft.com/office/2007/relationships/stylesWithEffects",
}
"""Parts of the package that describe the template, and its styles a second time, for Word 2010."""
_A4 = Mm(210), Mm(297)
_TIME_COLUMN = Mm(22)
_TABLE_COLUMNS = _TIME_COLUMN, Mm(98), Mm(26)
_GREY = RGBColor(0x59, 0x59, 0x59)
"""Dark enough for people who see poorly."""
_KEPT_STYLES = {"Title", "TitleChar", "Heading1", "Heading1Char", "Strong", "TableGrid"}
_TURN, _TIME = "Turn", "Time"
"""The styles of a turn's paragraph and of its time. A reader who wants another look changes each style once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Labels:
    title: str
    places: str
    none: str
    columns: tuple[str, str, str]


_ENGLISH = _Labels(title="Transcript", places="Doubtful places", none="None.", columns=("Time", "Text", "Confidence"))
_LABELS: Mapping[str, _Labels] = {
    "sv": _Labels(title="Transkription", places="Tveksamma ställen", none="Inga.", columns=("Tid", "Text", "Säkerhet"))
}


def document(transcript: Transcript) -> bytes:
    """The transcript as a docx: one paragraph per turn, with its time and its speaker.

    If the options ask for it, a table of doubtful places follows. The same transcript gives the same bytes. Apart
    from the text, the document names no person, no file and no date.
    """
    made = docx.Document()
    labels = _LABELS.get(transcript.language, _ENGLISH)
    _describe(made, labels.title)
    _set_language(made, _LOCALES.get(transcript.language, transcript.language))
    _lay_out(made)
    made.add_heading(labels.title, level=0)
    _add_turns(made, transcript.turns)
    if transcript.options.doubtful_places:
        _add_places(made, tuple(doubtful_places(transcript)), labels)
    if transcript.language in _RIGHT_TO_LEFT:
        _turn_right_to_left(made)
    return _saved(made)


def _describe(made: Document, title: str) -> None:
    """Set the title, and remove the author, dates and program that the template names."""
    properties = made.core_properties
    properties.title = title
    properties.author = properties.comments = ""
    package = made.part.package
    core = package.part_related_by(RELATIONSHIP_TYPE.CORE_PROPERTIES).element
    for date in core.xpath("dcterms:created | dcterms:modified"):
        core.remove(date)
    for relations in (package.rels, made.part.rels):
        for name in [name for name, relation in relations.items() if relation.reltype in _OF_THE_TEMPLATE]:
            del relations[name]


def _set_language(made: Document, language: str) -> None:
    """Set the language of all text, in any script.

    The template marks its text as checked for spelling; that is removed.
    """
    made.core_properties.language = language
    settings = made.settings.element
    for attribute in ("val", "eastAsia", "bidi"):
        for element in (*made.styles.element.xpath("w:docDefaults//w:lang"), *settings.xpath("w:themeFontLang")):
            element.set(qn(f"w:{attribute}"), language)
    for state in settings.xpath("w:proofState"):
        settings.remove(state)


def _lay_out(made: Document) -> None:
    """Set A4, and styles in which turns stand beside their times.

    Of the template's 164 styles only those in use are kept, so that people who look for a style find it.
    """
    for style in made.styles.element.xpath("w:style[not(@w:default)]"):
        if style.get(qn("w:styleId")) not in _KEPT_STYLES:
            made.styles.element.remove(style)
    made.sections[0].page_width, made.sections[0].page_height = _A4
    turn = made.styles.add_style(_TURN, WD_STYLE_TYPE.PARAGRAPH)
    turn.base_style = made.styles["Normal"]
    turn.paragraph_format.left_indent, turn.paragraph_format.first_line_indent = _TIME_COLUMN, -_TIME_COLUMN
    time = made.styles.add_style(_TIME, WD_STYLE_TYPE.CHARACTER)
    time.font.color.rgb = _GREY


def _add_turns(made: Document, told: Iterable[Turn]) -> None:
    """Add a paragraph for each turn.

    All are put before the section's settings at once: `add_paragraph` would search the whole document each time.
    """
    named, unnamed = _turn(made, speaker="?"), _turn(made)
    made.element.body[-1:-1] = [
        _copy(named, _clock(turn.start), f"{_clean(turn.speaker)}: ", _clean(turn.text))
        if turn.speaker
        else _copy(unnamed, _clock(turn.start), _clean(turn.text))
        for turn in told
    ]


def _turn(made: Document, speaker: str = "") -> BaseOxmlElement:
    """A turn's paragraph, which is not in the document, for copies with texts of their own."""
    element = OxmlElement("w:p")
    paragraph = Paragraph(element, made)
    paragraph.style = _TURN
    paragraph.add_run("?", style=_TIME)
    paragraph.add_run("\t")
    if speaker:
        paragraph.add_run(f"{speaker}: ", style="Strong")
    paragraph.add_run("?")
    return element


def _copy(element: BaseOxmlElement, *texts: str) -> BaseOxmlElement:
    """The same element with other texts: a copy takes a tenth of the time in which styles are found and runs added."""
    copy = deepcopy(element)
    for place, text in zip(copy.iter(qn("w:t")), texts, strict=True):
        place.text = text
    return copy


def _add_places(made: Document, places: tuple[DoubtfulPlace, ...], labels: _Labels) -> None:
    made.add_heading(labels.places, level=1)
    if not places:
        made.add_paragraph(labels.none)
        return
    table = made.add_table(1, len(labels.columns), style="Table Grid")
    for column, cell, text, width in zip(
        table.columns, table.row_cells(0), labels.columns, _TABLE_COLUMNS, strict=True
    ):
        column.width = cell.width = width
        cell.text = text
    (row,) = made.element.body.xpath("w:tbl/w:tr")
    row.getparent().extend(
        _copy(row, _clock(place.start), _clean(place.text), f"{place.confidence * 100:.0f}\N{NO-BREAK SPACE}%")
        for place in places
    )


def _turn_right_to_left(made: Document) -> None:
    """Let every paragraph begin at the right, and the table at its right column.

    Word takes the direction of a paragraph and of each of its runs from their own settings, not from the letters. The
    settings are appended, since no paragraph and no run has any that has to come later.
    """
    for table in made.tables:
        table.table_direction = WD_TABLE_DIRECTION.RTL
    for paragraph in made.element.body.iter(qn("w:p")):
        paragraph.get_or_add_pPr().append(OxmlElement("w:bidi"))
    for run in made.element.body.iter(qn("w:r")):
        run.get_or_add_rPr().append(OxmlElement("w:rtl"))


def _clock(seconds: float) -> str:
    """HH:MM:SS, as players show it."""
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}"


def _clean(text: str) -> str:
    """Text on one line, without what XML cannot carry."""
    return " ".join(_NO_XML.sub("\N{REPLACEMENT CHARACTER}", text).split())


def _saved(made: Document) -> bytes:
    """The document's zip, in which every file has the earliest date that a zip can hold instead of the present one."""
    written, settled = BytesIO(), BytesIO()
    made.save(written)
    with ZipFile(written) as source, ZipFile(settled, "w") as target:
        for name in source.namelist():
            target.writestr(ZipInfo(name), source.read(name), ZIP_DEFLATED)
    return settled.getvalue()
