"""Options: how a client wants a recording to be transcribed, as `services.common.domain.options` understands them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from services.api.schemas.fields import WHOLE, Body, OneOf
from services.common.domain.languages import LANGUAGES
from services.common.domain.options import (
    CHANNELS,
    FORMATS,
    HIGHEST_TRACK,
    MAX_HINT_CHARACTERS,
    MAX_TRACKS,
    PRESETS,
    STYLES,
)

_HINT_CHARACTERS = MAX_HINT_CHARACTERS // 2
_Track = Annotated[int, Field(ge=1, le=HIGHEST_TRACK), WHOLE]
_Tracks = Annotated[list[_Track], Field(min_length=1, max_length=MAX_TRACKS, json_schema_extra={"uniqueItems": True})]


def _words_need_json(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [
        {"properties": {"words": {"const": False}}},
        {"properties": {"formats": {"contains": {"const": "json"}}}},
    ]


class JobOptions(Body):
    """How the recording is to be transcribed."""

    model_config = ConfigDict(json_schema_extra=_words_need_json)

    language: Annotated[str, OneOf(("auto", *sorted(LANGUAGES)))] = "sv"
    model: str | None = Field(
        default=None, min_length=1, max_length=100, description="One that the deployment holds; its first by default."
    )
    style: Annotated[str, OneOf(STYLES)] = Field(default="standard", description="How close to the spoken word.")
    preset: Annotated[str, OneOf(PRESETS)] = "balanced"
    prompt: str | None = Field(default=None, max_length=_HINT_CHARACTERS, description="Text as if it came before.")
    hotwords: str | None = Field(default=None, max_length=_HINT_CHARACTERS, description="Names and terms to expect.")
    words: bool = Field(default=False, description="Each word's time and probability, in the json.")
    channels: Annotated[str, OneOf(CHANNELS)] = Field(
        default="mixed", description="`separate`: one speaker a channel, or a track, up to eight."
    )
    tracks: _Tracks | None = Field(
        default=None,
        description=f"Which sound tracks are heard, counted from 1, up to {MAX_TRACKS}; left out: the engine chooses.",
    )
    formats: list[Annotated[str, OneOf(FORMATS)]] = Field(default=list(FORMATS), min_length=1, max_length=len(FORMATS))
