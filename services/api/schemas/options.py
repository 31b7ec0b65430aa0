"""Options: how a client wants a recording to be transcribed, as `services.common.domain.options` understands them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from services.api.schemas.fields import WHOLE, Body, OneOf
from services.common.domain.options import (
    CHANNELS,
    DEFAULTS,
    FORMATS,
    HIGHEST_TRACK,
    LANGUAGE_CHOICES,
    MAX_HINT_BYTES,
    MAX_TRACKS,
    MAX_VOICES,
    PRESETS,
    STYLES,
)

_TOGETHER = f"Prompt and hotwords have at most {MAX_HINT_BYTES} bytes of UTF-8 together."
# A schema counts the characters of one text, which are no more than its bytes.
_Hint = Annotated[str, Field(max_length=MAX_HINT_BYTES)]
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

    language: Annotated[str, OneOf(LANGUAGE_CHOICES)] = DEFAULTS.language
    model: str | None = Field(
        default=None, min_length=1, max_length=100, description="One that the deployment holds; its first by default."
    )
    style: Annotated[str, OneOf(STYLES)] = Field(default=DEFAULTS.style, description="How close to the spoken word.")
    preset: Annotated[str, OneOf(PRESETS)] = DEFAULTS.preset
    prompt: _Hint | None = Field(default=DEFAULTS.prompt, description=f"Text as if it came before. {_TOGETHER}")
    hotwords: _Hint | None = Field(default=DEFAULTS.hotwords, description=f"Names and terms to expect. {_TOGETHER}")
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
