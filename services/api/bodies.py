"""What requests may say. What is unknown is refused: a misspelt option must not pass for a default."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema

from services.common.domain.languages import LANGUAGES
from services.common.domain.media_types import CONTAINERS, UNKNOWN
from services.common.domain.options import (
    CHANNELS,
    DEFAULT_FORMATS,
    FORMATS,
    HIGHEST_TRACK,
    MAX_HINT_CHARACTERS,
    MAX_TRACKS,
    PRESETS,
    STYLES,
)
from services.common.webhooks.endpoint import MAX_URL_CHARACTERS
from services.common.webhooks.registration import DEFAULT_EVENTS, SUBSCRIBABLE

MAX_UPLOAD_BYTES = 5_000_000_000
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,28}[A-Za-z0-9])?"
_LAST_LABEL = "[A-Za-z]([A-Za-z0-9-]{0,28}[A-Za-z0-9])?"
_URL = rf"^https://({_LABEL}\.){{1,5}}{_LAST_LABEL}(:(443|8443)?)?([/?][!-\"$-\[\]-~]*)?$"
"""What `endpoint.parse` takes, but for longer names and public addresses, in the one language that schemas speak."""
_HINT_CHARACTERS = MAX_HINT_CHARACTERS // 2
_Sha256 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]


def _any_case(text: str) -> str:
    """A pattern for text in whatever case: schemas know no flag for that."""
    return re.sub("[a-z]", lambda letter: f"[{letter[0].upper()}{letter[0]}]", text).replace(".", r"\.")


def _media_type() -> str:
    """Any sound or film, and of `application` what recordings come as, with any parameters.

    `$` and the backslash are left out: in the policy of an upload's form, S3 reads more into them.
    """
    top = "application/"
    named = sorted(kind.removeprefix(top) for kind in (UNKNOWN, *chain(*CONTAINERS.values())) if kind.startswith(top))
    kind = f"({_any_case('audio')}|{_any_case('video')})/[A-Za-z0-9][A-Za-z0-9!#&^_.+-]{{0,126}}"
    return rf"^(({kind}|{_any_case(top)}({_any_case('|'.join(named))}))( ?;([ -#%-\[\]-~]{{0,200}}[!-#%-\[\]-~])?)?)?$"


_MediaType = Annotated[str, StringConstraints(pattern=_media_type())]


def _whole(value: object) -> object:
    """JSON knows one kind of number: `12.0` is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Track = Annotated[int, Field(ge=1, le=HIGHEST_TRACK), BeforeValidator(_whole)]
_Tracks = Annotated[list[_Track], Field(min_length=1, max_length=MAX_TRACKS, json_schema_extra={"uniqueItems": True})]


class OneOf:
    """One of some words that are known only as data."""

    def __init__(self, choices: Sequence[str]) -> None:
        self._choices = list(choices)

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(self._choices)


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _options_need_formats(schema: dict[str, Any]) -> None:
    """What is only written to one format is refused without it; the json is among the formats by default."""
    schema["allOf"] = [
        {"anyOf": [{"properties": {"words": {"const": False}}}, _among_formats("json")]},
        {"anyOf": [{"properties": {"doubtful_places": {"const": False}}}, _among_formats("docx")]},
    ]


def _among_formats(form: str) -> dict[str, Any]:
    needed = {} if form in DEFAULT_FORMATS else {"required": ["formats"]}
    return {"properties": {"formats": {"contains": {"const": form}}}, **needed}


class Target(Body):
    """An endpoint of the client's own."""

    url: str = Field(
        max_length=MAX_URL_CHARACTERS,
        description="https, port 443 or 8443, a public host, no user name and no fragment.",
        examples=["https://hooks.example.com/transcriptions"],
        json_schema_extra={"pattern": _URL},
    )
    events: list[Annotated[str, OneOf(SUBSCRIBABLE)]] = Field(
        default=list(DEFAULT_EVENTS), min_length=1, max_length=len(SUBSCRIBABLE)
    )
    description: str | None = Field(default=None, max_length=200)


class NewCallback(Target):
    """An endpoint to be told of the client's jobs."""

    prefix: str = Field(
        default="",
        max_length=500,
        description="Only jobs whose upload lies under this prefix of the client's own folder, such as `meetings/`.",
    )
    challenge: bool = Field(
        default=False,
        description="Send a challenge first: the callback becomes active when its receiver has sent it back.",
    )


class JobOptions(Body):
    """How the recording is to be transcribed."""

    model_config = ConfigDict(json_schema_extra=_options_need_formats)

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
    formats: list[Annotated[str, OneOf(FORMATS)]] = Field(
        default=list(DEFAULT_FORMATS), min_length=1, max_length=len(FORMATS)
    )
    doubtful_places: bool = Field(
        default=False, description="A table of the places worth hearing again, at the end of the docx."
    )


class NewJob(Body):
    """A recording that is about to be uploaded."""

    file_name: str = Field(min_length=1, max_length=1_000, examples=["möte.mp3"])
    size: Annotated[int, Field(ge=0, le=MAX_UPLOAD_BYTES), BeforeValidator(_whole)] | None = Field(
        default=None, description="Bytes; the upload is held to it exactly."
    )
    content_type: _MediaType | None = Field(
        default=UNKNOWN,
        description="As a browser or phone says it: `audio/…`, `video/…`, or of `application/…` what recordings come "
        "as; parameters may follow. The upload is held to it to the letter. Empty or null: the default.",
        examples=["audio/webm;codecs=opus"],
    )
    checksum_sha256: _Sha256 | None = Field(
        default=None, description="Of the file, base64; S3 refuses an upload that differs."
    )
    options: JobOptions = Field(default_factory=JobOptions)
    callback: Target | None = Field(default=None, description="Told of this job alone.")
