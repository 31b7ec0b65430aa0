"""Problem documents, with which every error is answered."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, WithJsonSchema

from services.api.schemas.fields import shown_as

_Code = Annotated[str, shown_as("ProblemCode")]
_Address = Annotated[str, WithJsonSchema({"type": "string", "format": "uri-reference"})]
"""An absolute URL; while the deployment's settings cannot be read, its path alone."""


_PLACE = (
    "The path from the body's root, such as `options.prompt`, where a number is a place in a list, counted from 0; or "
    "the name of a parameter or a header; or `body`."
)


class FieldError(BaseModel):
    field: str = Field(description=_PLACE)
    message: str = Field(description="What is wrong with it, and what to give instead.")


class ProblemDocument(BaseModel):
    """RFC 9457, with a stable `code` and the request's id."""

    type: _Address
    title: str
    status: int
    detail: str
    instance: str
    code: _Code
    request_id: str
    field: str | None = Field(default=None, description=f"The one field at fault. {_PLACE}")
    latest: int | None = Field(default=None, description="The number of the newest correction.")
    errors: list[FieldError] | None = Field(default=None, description="All fields at fault.")


class ProblemType(BaseModel):
    """What a code of a problem document means, and what to do."""

    type: Annotated[_Address, Field(description="This entry's address, and the `type` of each such document.")]
    code: _Code
    title: str
    status: int = Field(description="The HTTP status with which the code is answered.")
    meaning: str
    remedy: str = Field(description="What to do.")


class ProblemTypeList(BaseModel):
    problems: list[ProblemType]
