"""Links to transcripts."""

from __future__ import annotations

from pydantic import BaseModel


class TranscriptLink(BaseModel):
    """A link that is good for some minutes, to be followed without the API key."""

    url: str
    hint: str
