"""Links to transcripts."""

from __future__ import annotations

from pydantic import BaseModel

from services.api.schemas.fields import Url


class TranscriptLink(BaseModel):
    """A link that is good for some minutes, to be followed without the API key."""

    url: Url
    hint: str
