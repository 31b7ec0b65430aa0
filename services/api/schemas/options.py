"""Options of a job, as `services.common.domain.options` checks them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from services.api.schemas.fields import WHOLE, Body, OneOf
from services.common.domain.options import (
    CHANNELS,
    DEFAULT_FORMATS,
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

_Hint = Annotated[str, Field(max_length=MAX_HINT_CHARACTERS)]
_Track = Annotated[int, Field(ge=1, le=HIGHEST_TRACK), WHOLE]
_Tracks = Annotated[list[_Track], Field(min_length=1, max_length=MAX_TRACKS, json_schema_extra={"uniqueItems": True})]


def _options_need_formats(schema: dict[str, Any]) -> None:
    """Add to the schema that an option which one format alone shows needs that format; json is one by default."""
    schema["allOf"] = [
        {"anyOf": [{"properties": {"words": {"const": False}}}, _among_formats("json")]},
        {"anyOf": [{"properties": {"doubtful_places": {"const": False}}}, _among_formats("docx")]},
    ]


def _among_formats(form: str) -> dict[str, Any]:
    needed = {} if form in DEFAULT_FORMATS else {"required": ["formats"]}
    return {"properties": {"formats": {"contains": {"const": form}}}, **needed}


class JobOptions(Body):
    """How the recording is to be transcribed."""

    model_config = ConfigDict(json_schema_extra=_options_need_formats)

    language: Annotated[str, OneOf(LANGUAGE_CHOICES)] = DEFAULTS.language
    model: str | None = Field(
        default=None, min_length=1, max_length=100, description="One that the deployment holds; its first by default."
    )
    style: Annotated[str, OneOf(STYLES)] = Field(default=DEFAULTS.style, description="How close to the spoken word.")
    preset: Annotated[str, OneOf(PRESETS)] = DEFAULTS.preset
    prompt: _Hint | None = Field(default=DEFAULTS.prompt, description=f"Text as if it came before. {HINTS}")
    hotwords: _Hint | None = Field(default=DEFAULTS.hotwords, description=f"Names and terms to expect. {HINTS}")
    words: bool = Field(default=DEFAULTS.words, description="Each word's time and probability, in the json.")
    channels: Annotated[str, OneOf(CHANNELS)] = Field(
        default=DEFAULTS.channels,
        description=f"`separate`: one speaker a channel, or a track, up to {MAX_VOICES}.",
    )
    tracks: _Tracks | None = Field(
        default=None,
        description=f"Which sound tracks are heard, counted from 1, up to {MAX_TRACKS}; left out: the engine chooses.",
    )
    formats: list[Annotated[str, OneOf(FORMATS)]] = Field(
        default=list(DEFAULTS.formats), min_length=1, max_length=len(FORMATS)
    )
    doubtful_places: bool = Field(
        default=DEFAULTS.doubtful_places,
        description="A table of places worth hearing again, at the end of the docx.",
    )
