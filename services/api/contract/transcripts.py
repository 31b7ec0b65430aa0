"""The published json transcript, as `services.common.transcript.formats` writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from services.api.contract.jobs import Model, OptionsInEffect, Quality, Seconds, Share, Shown
from services.api.schemas.fields import shown_as


class TranscriptWord(Shown):
    """A word with its time."""

    word: str
    start: Seconds
    end: Seconds
    probability: Share


class TranscriptSegment(Shown):
    """A sentence, or a part of one that was said without a long pause; times are seconds of the player's clock."""

    start: Seconds
    end: Seconds
    text: str
    confidence: Share
    """Mean probability of its words."""
    flags: list[Annotated[str, shown_as("Flag")]]
    channel: int | None = None
    """From 0; present if the job asked for `channels: separate`."""
    words: list[TranscriptWord] | None = None
    """Present if the job asked for `words`."""


class TranscriptQuality(Quality):
    """How far the text can be trusted, in full."""

    confidence_deciles: dict[str, Share]
    """The tenth, fifth and ninetieth percentile of the words' probabilities: `p10`, `p50`, `p90`."""
    speech_share: Share
    """Share of the recording's sound, without long pauses, that is speech."""
    clips: int
    redecoded_clips: int
    dropped_clips: int
    """Clips of which text was left out, since it was certainly not said."""
    flags: dict[str, int]
    """How many clips have each flag."""


class Transcript(Shown):
    """The json transcript."""

    version: Literal[2]
    """Of the file's form: fields and words may be added to a version, nothing else changes."""
    language: str
    """ISO 639 code."""
    duration: Seconds
    """Of the recording."""
    text: str
    """One segment a line; the speaker's name stands before it if several speak."""
    segments: list[TranscriptSegment]
    quality: TranscriptQuality
    options: OptionsInEffect
    model: Model
    versions: dict[str, str]
    """Of the programs that made the text."""
    reference: str | None = None
    """The client's own name for the job, as it was when the text was written."""
    metadata: Annotated[dict[str, str], shown_as("Metadata")] = Field(default={})
    """As it was when the text was written."""
