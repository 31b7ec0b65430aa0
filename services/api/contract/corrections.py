"""The machine's words as editors of transcripts get them, and the changes that they save."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from services.api.contract.jobs import Seconds, Shown
from services.api.contract.transcripts import TranscriptSpeaker
from services.api.schemas.corrections import IF_MATCH
from services.api.schemas.fields import shown_as
from services.common.domain.annotations import NAME
from services.common.domain.corrections import MAX_SPEAKERS

MachineWord = Annotated[list[str | float], Field(min_length=4, max_length=4)]
"""Programs that are generated of the document know no lists whose entries have a type each."""
_Index = Annotated[int, Field(ge=0)]
_KeptWords = Annotated[
    list[_Index],
    Field(
        min_length=2,
        max_length=2,
        description="Words of the machine that stay: the first one, and the one behind them.",
    ),
]
_NewText = Annotated[
    str,
    Field(pattern=NAME, description="New words, which share out the time between the kept ones around them."),
]


class MachineSegment(Shown):
    """A segment as the machine wrote it."""

    start: Seconds
    end: Seconds
    channel: int
    speaker: int | None
    """A place in `speakers`, from 0; null: not known, or not asked for."""
    flags: list[Annotated[str, shown_as("Flag")]]
    words: list[MachineWord]
    """Each as its text with the space before it, its start, its end and its probability."""


class MachineWords(Shown):
    """The machine's words. They never change; `names` are as they are now."""

    language: str
    """ISO 639 code."""
    duration: Seconds
    speakers_asked: bool
    """Whether the job asked for `speakers`: only then do corrections name speakers."""
    names: list[str | None]
    """The client's names for the speakers."""
    speakers: list[TranscriptSpeaker]
    segments: list[MachineSegment]


class CorrectedSegment(Shown):
    """A segment as a person wrote it."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    speaker: Annotated[int, Field(ge=0, lt=MAX_SPEAKERS)] | None
    """A place in `speakers` from 0, or behind them for a speaker whom the machine did not find; null: not known."""
    pieces: list[_KeptWords | _NewText] = Field(min_length=1)
    """What it is made of, in order. Kept words rise over a whole change, and lie within it."""


class CorrectionChange(Shown):
    """Segments that take the place of the machine's words from `first` to before `end`, which are whole segments.

    If `first` is `end`, they are inserted before that word.
    """

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    first: _Index
    """The index of a word: its place among the words of all segments, from 0."""
    end: _Index
    segments: list[CorrectedSegment]
    """None: the words are deleted."""


def add_to(document: dict[str, Any]) -> None:
    """Say of each operation that takes `If-Match` that it is required, in place.

    The routes take requests without it, to refuse them with a code of their own.
    """
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == IF_MATCH:
                    (schema,) = (one for one in parameter["schema"]["anyOf"] if one["type"] != "null")
                    parameter |= {"required": True, "schema": schema}
