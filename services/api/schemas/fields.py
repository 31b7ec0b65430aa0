"""Types that several schemas use."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Body(BaseModel):
    """Base of request bodies. Unknown fields are refused: a misspelt option must not be taken for a default."""

    model_config = ConfigDict(extra="forbid", strict=True)


class OneOf:
    """A string that must be one of some choices, which are given as data."""

    def __init__(self, choices: Sequence[str]) -> None:
        self._choices = list(choices)

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(self._choices)


def _whole(value: object) -> object:
    """Take `12.0` for a whole number: JSON has only one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
