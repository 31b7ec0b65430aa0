"""What fields of several resources are made of."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Body(BaseModel):
    """What a request may say. What is unknown is refused: a misspelt option must not pass for a default."""

    model_config = ConfigDict(extra="forbid", strict=True)


class OneOf:
    """One of some words that are known only as data."""

    def __init__(self, choices: Sequence[str]) -> None:
        self._choices = list(choices)

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(self._choices)


def _whole(value: object) -> object:
    """JSON knows one kind of number: `12.0` is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
