"""Shares, as clients make and see them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from services.api.schemas.fields import WHOLE, Body, DateTime, Names, OneOf, Rule, Url
from services.common.domain.annotations import NAME, PRINTABLE_WORDS
from services.common.domain.records import Job
from services.common.domain.shares import DEFAULT_DAYS, MAX_DAYS, MAX_LABEL_CHARACTERS, Share, ShareRight
from services.common.domain.times import SECOND_MS, rfc3339

_Right = Annotated[str, OneOf(tuple(ShareRight), "ShareRight")]
_Label = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_LABEL_CHARACTERS,
        description="For whom it is, in the client's own words; its holder does not see them.",
        examples=["Anna at the desk"],
    ),
    Rule(NAME, f"Give 1 to {MAX_LABEL_CHARACTERS} characters {PRINTABLE_WORDS}."),
]


class NewShare(Body):
    """A link that is to open one transcript."""

    right: _Right = Field(
        default=ShareRight.READ.value,
        description="`correct`: its holder may correct the text and name the speakers, too.",
    )
    days: Annotated[int, Field(ge=1, le=MAX_DAYS), WHOLE] = Field(
        default=DEFAULT_DAYS, description="How long it is good for; it ends with the job at the latest."
    )
    label: _Label | None = None


class ShareView(BaseModel):
    """A share as it stands, without its token."""

    share_id: str
    right: _Right
    label: str | None
    created_at: DateTime
    ends_at: DateTime

    @classmethod
    def of(cls, share: Share) -> ShareView:
        return cls(
            share_id=share.share_id,
            right=share.right.value,
            label=share.label,
            created_at=rfc3339(share.created_at),
            ends_at=rfc3339(share.ends_at),
        )


class CreatedShare(ShareView):
    """A new share. Its token is shown this once."""

    token: str = Field(description="For the header `Authorization: Bearer …` at `/api/shared`, and nowhere else.")
    url: Url | None = Field(
        description="The page that opens it; the token stands behind the `#`, which browsers send to nobody. Null: "
        "this deployment has no page."
    )


class ShareList(BaseModel):
    shares: list[ShareView]


class NamesUpdate(Body):
    """Names for the speakers."""

    names: Names | None = Field(description="Of the speakers: all are replaced; null removes them.")


class SharedTranscript(BaseModel):
    """What a share opens, as its holder sees it: nothing else of the job or its client."""

    file_name: str
    language: str | None
    duration: float | None = Field(description="Seconds of the recording.")
    names: list[str | None]
    right: _Right
    ends_at: DateTime = Field(description="When the share ends.")
    expires_at: DateTime | None = Field(description="When the transcript and its recording end.")

    @classmethod
    def of(cls, job: Job, share: Share) -> SharedTranscript:
        result = job.result or {}
        return cls(
            file_name=job.file_name,
            language=result.get("language"),
            duration=result.get("duration_seconds"),
            names=list(job.names),
            right=share.right.value,
            ends_at=rfc3339(share.ends_at),
            expires_at=None if job.expires_at is None else rfc3339(job.expires_at * SECOND_MS),
        )
