"""Problem documents, with which every error is answered."""

from __future__ import annotations

from pydantic import BaseModel


class FieldError(BaseModel):
    field: str
    message: str


class ProblemDocument(BaseModel):
    """RFC 9457, with a stable `code` and the request's id."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    field: str | None = None
    """The one field at fault."""
    errors: list[FieldError] | None = None
    """All fields at fault."""


class ProblemType(BaseModel):
    """What a code of a problem document means, and what to do."""

    type: str
    """This entry's address, and the `type` of each such document."""
    code: str
    title: str
    status: int
    """The HTTP status with which the code is answered."""
    meaning: str
    remedy: str
    """What to do."""


class ProblemTypeList(BaseModel):
    problems: list[ProblemType]
