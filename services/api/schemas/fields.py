"""Types that several schemas use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from services.common.domain import vocabularies
from services.common.domain.annotations import (
    MAX_KEY_CHARACTERS,
    MAX_METADATA_BYTES,
    MAX_NAME_CHARACTERS,
    MAX_NAMES,
    MAX_NAMES_BYTES,
    MAX_REFERENCE_CHARACTERS,
    NAME,
    NAME_WORDS,
    PRINTABLE,
    PRINTABLE_WORDS,
)


class Body(BaseModel):
    """Base of request bodies. Unknown fields are refused: a misspelt option must not be taken for a default."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _whole(value: object) -> object:
    """Take `12.0` for a whole number: JSON has only one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)

TOLD = "told"
"""The type of a validation error whose message is a sentence for clients; others get one from `field_errors`."""


class Rule:
    """A pattern that a text must match, and the same in words: schemas show the one, refusals tell the other."""

    def __init__(self, pattern: str, words: str) -> None:
        self._pattern, self._words = pattern, words

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = {**handler(source), "pattern": self._pattern}
        return core_schema.custom_error_schema(cast("CoreSchema", text), TOLD, custom_error_message=self._words)


SHOWN_AS = "x-shown-as"
"""Marks a schema that `services.api.contract` replaces by a reference to one of its own."""


def shown_as(name: str) -> WithJsonSchema:
    """A field that the document describes by the named schema of `services.api.contract`.

    Replies are not held to it while the API runs: a record may hold words of a release that is newer or older. Tests
    hold them to it. So the API's cold start does not pay for these schemas either.
    """
    return WithJsonSchema({SHOWN_AS: name})


class OneOf:
    """A string that must be one of some choices, which are given as data.

    Where several operations or bodies take the same choices, `name` is that of their schema among
    `services.api.contract.enumerations`, so that generated programs have one type for them.
    """

    def __init__(self, choices: Sequence[str], name: str | None = None) -> None:
        self.choices = list(choices)
        self.name = name

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(self.choices)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {SHOWN_AS: self.name} if self.name else handler(core)


DateTime = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339, in UTC, with milliseconds."""
Url = Annotated[str, WithJsonSchema({"type": "string", "format": "uri"})]
VocabularyName = Annotated[
    str,
    Rule(
        vocabularies.NAME,
        f"Give 1 to {vocabularies.MAX_NAME_CHARACTERS} small letters from a to z, digits and hyphens; "
        "the first is no hyphen.",
    ),
]
Reference = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_REFERENCE_CHARACTERS,
        description="The client's own name for the job, which its messages and its json repeat.",
        examples=["case 2026-114"],
    ),
    Rule(PRINTABLE, f"Give 1 to {MAX_REFERENCE_CHARACTERS} characters {PRINTABLE_WORDS}."),
]
_Key = Annotated[
    str,
    Field(min_length=1, max_length=MAX_KEY_CHARACTERS),
    Rule(PRINTABLE, f"A key must have 1 to {MAX_KEY_CHARACTERS} characters {PRINTABLE_WORDS}."),
    WithJsonSchema({"type": "string"}),  # with a pattern it would allow texts of any kind under other keys
]
MetadataTexts = Annotated[
    dict[
        _Key,
        Annotated[
            str,
            Field(max_length=MAX_METADATA_BYTES),
            Rule(PRINTABLE, f"Give a text of at most {MAX_METADATA_BYTES} characters {PRINTABLE_WORDS}."),
        ],
    ],
    Field(
        description="What the client notes on the job for itself, and its messages and its json repeat: texts by key, "
        f"together at most {MAX_METADATA_BYTES} bytes as compact JSON in UTF-8.",
        examples=[{"department": "north", "case": "2026-114"}],
        json_schema_extra={"propertyNames": {"minLength": 1, "maxLength": MAX_KEY_CHARACTERS, "pattern": PRINTABLE}},
    ),
]
Metadata = Annotated[MetadataTexts, shown_as("Metadata")]
_Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS), Rule(NAME, NAME_WORDS)]
Names = Annotated[
    list[_Name | None],
    Field(
        max_length=MAX_NAMES,
        description="The client's names for the speakers, which its messages and its transcripts show: the first is "
        "for `S1`, who is heard first, and null leaves a speaker without one. Together they have at most "
        f"{MAX_NAMES_BYTES} bytes as compact JSON in UTF-8. Spaces around a name are left out.",
        examples=[["Anna Ek", None, "Bo"]],
    ),
]
