"""Recordings, as who listens gets them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from services.api.schemas.fields import DateTime, Url


class Peaks(BaseModel):
    """What a picture of the sound is drawn from."""

    url: Url = Field(
        description="Unsigned bytes, one after another, each the loudest sample of its time: 255 is full scale. "
        "Compressed by gzip, as its `Content-Encoding` says. Good as long as the recording's."
    )
    per_second: int = Field(description="How many bytes are a second, on the clock of the transcript.")


class Recording(BaseModel):
    """A link from which a browser plays a job's recording, on the clock of the transcript."""

    url: Url = Field(
        description="Takes range requests, and no API key: give it to `<audio>` or `<video>`, without `crossorigin`."
    )
    media_type: str = Field(description="Of what the link leads to.")
    kind: Literal["source", "listening"] = Field(
        description="`source`: what was uploaded. `listening`: its sound as AAC, since not all browsers play "
        "the recording itself, or not on the clock of the transcript."
    )
    video: bool = Field(description="Whether the link leads to pictures too.")
    expires_at: DateTime = Field(description="Until when the links are good. Ask again for fresh ones.")
    peaks: Peaks | None = Field(description="Null: there are none, as of a job that an earlier release completed.")
