"""How recordings are uploaded: with one form, or in parts."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from services.api.schemas.fields import DateTime, Url


class UploadForm(BaseModel):
    """Where and how the recording is uploaded: a form POST with all these fields, and the file last."""

    url: Url
    fields: dict[str, str] = Field(description="Form fields: send every one before the file.")
    expires_at: DateTime = Field(description="Until when an upload may begin.")


class PartLink(BaseModel):
    """Where a part is sent: a PUT of these bytes of the file, and nothing else, without the API key."""

    number: Annotated[int, Field(ge=1)]
    bytes: int = Field(description="The length of the part, which S3 holds it to.")
    url: Url


class MultipartUpload(BaseModel):
    """An upload in parts: part 1 is the first `part_size` bytes of the file, and only the last part is shorter."""

    part_size: int
    parts: int = Field(description="How many parts there are.")
    received: list[int] = Field(description="The numbers of the parts that S3 has.")
    links: list[PartLink] = Field(description="At most 100, for parts that S3 does not have yet, in order.")
    next: int | None = Field(description="For `after`; null: there are no further parts that S3 does not have.")
    expires_at: DateTime = Field(description="Until when sending a part may begin.")


class RenewedUpload(BaseModel):
    """One of both: a form, or an upload in parts if the job was registered with `multipart`."""

    upload: UploadForm | None = None
    multipart: MultipartUpload | None = None
