"""Options of a job, as `services.common.domain.options` checks them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError

from services.api.schemas.fields import TOLD, WHOLE, Body, OneOf, VocabularyName, shown_as
from services.common.domain.errors import InvalidOptionError
from services.common.domain.options import (
    CHANNELS,
    DEFAULTS,
    FORMATS,
    HIGHEST_TRACK,
    HINTS,
    LANGUAGE_CHOICES,
    MAX_HINT_CHARACTERS,
    MAX_TRACKS,
    MAX_VOICES,
    PRESETS,
    STYLES,
)
from services.common.domain.speakers import OFF, RULE, ExpectedSpeakers

_Hint = Annotated[str, Field(max_length=MAX_HINT_CHARACTERS)]
_Track = Annotated[int, Field(ge=1, le=HIGHEST_TRACK), WHOLE]


def _different(tracks: list[int]) -> list[int]:
    if len(set(tracks)) < len(tracks):
        raise ValueError("Give each track once.")
    return tracks


_Tracks = Annotated[
    list[_Track],
    Field(min_length=1, max_length=MAX_TRACKS, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_different),
]


def _speakers(given: object) -> Any:  # noqa: ANN401 - a word, a number or an object
    """The option in its shortest form.

    Raises:
        PydanticCustomError: it is none of its forms, which the message lists.

    """
    if given is None:
        raise PydanticCustomError(TOLD, RULE)
    try:
        expected = ExpectedSpeakers.parse(given)
    except InvalidOptionError as error:
        raise PydanticCustomError(TOLD, str(error)) from None
    return expected.to_json() if expected else OFF


class JobOptions(Body):
    """How the recording is to be transcribed."""

    language: Annotated[str, OneOf(LANGUAGE_CHOICES, "Language")] = DEFAULTS.language
    model: str | None = Field(
        default=None, min_length=1, max_length=100, description="One that the deployment holds; its first by default."
    )
    style: Annotated[str, OneOf(STYLES)] = Field(default=DEFAULTS.style, description="How close to the spoken word.")
    preset: Annotated[str, OneOf(PRESETS, "Preset")] = DEFAULTS.preset
    prompt: _Hint | None = Field(default=DEFAULTS.prompt, description=f"Text as if it came before. {HINTS}")
    hotwords: _Hint | None = Field(default=DEFAULTS.hotwords, description=f"Names and terms to expect. {HINTS}")
    vocabulary: VocabularyName | None = Field(
        default=DEFAULTS.vocabulary,
        description="The name of one of the client's vocabularies. Its words, as they are now, are read after the "
        "hotwords, the first ones as far as they fit.",
        examples=["council"],
    )
    words: bool = Field(
        default=DEFAULTS.words,
        description="Each word's time and probability, in the json, which must be among the formats.",
    )
    channels: Annotated[str, OneOf(CHANNELS, "Channels")] = Field(
        default=DEFAULTS.channels,
        description=f"`separate`: one speaker a channel, or a track, up to {MAX_VOICES}.",
    )
    tracks: _Tracks | None = Field(
        default=None,
        description=f"Which sound tracks are heard, counted from 1, up to {MAX_TRACKS}; left out: the engine chooses.",
    )
    speakers: Annotated[Any, PlainValidator(_speakers), shown_as("Speakers")] = Field(
        default=OFF, description="How many speakers are told apart; each word and each sentence then has its speaker."
    )
    formats: list[Annotated[str, OneOf(FORMATS, "Format")]] = Field(
        default=list(DEFAULTS.formats), min_length=1, max_length=len(FORMATS)
    )
    doubtful_places: bool = Field(
        default=DEFAULTS.doubtful_places,
        description="A table of places worth hearing again, at the end of the docx, which must be among the formats.",
    )
