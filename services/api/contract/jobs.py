"""What replies and messages hold as maps: a job's times, cost, model, quality and options in effect."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.api.schemas.fields import DateTime, OneOf, shown_as
from services.common.domain.options import STYLES

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]


class Shown(BaseModel):
    """Base of schemas that describe what is shown. Clients must ignore fields that they do not know."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class JobTimes(Shown):
    """When each stage was reached. A stage that was not reached is absent."""

    created: DateTime | None = None
    """Registered over the API."""
    uploaded: DateTime | None = None
    queued: DateTime | None = None
    capacity_asked: DateTime | None = None
    """A machine was asked for. This and the next ones are absent if a machine was running already."""
    launched: DateTime | None = None
    kernel_up: DateTime | None = None
    booted: DateTime | None = None
    loaded: DateTime | None = None
    """The model is in memory."""
    ready: DateTime | None = None
    """The machine has transcribed a known clip."""
    claimed: DateTime | None = None
    planned: DateTime | None = None
    """The recording was read to its end. It is decoded while it is read, so of a long one there is text before."""
    first_text: DateTime | None = None
    transcribed: DateTime | None = None
    completed: DateTime | None = None
    failed: DateTime | None = None
    canceled: DateTime | None = None


class JobCost(Shown):
    """The job's share of machines, for all its parts and runs: with a boot that it waited for, without other waits."""

    machine_seconds: Seconds | None = None
    market: Annotated[str, shown_as("Market")] | None = None
    instance_type: str | None = None
    dollars_per_hour: Annotated[float, Field(ge=0)] | None = None
    """The price that was reckoned with; absent if it is not known."""
    dollars: Annotated[float, Field(ge=0)] | None = None


class JobCorrection(Shown):
    """The correction by which a text differs from the machine's."""

    number: Annotated[int, Field(ge=1)]
    changed_at: DateTime


class Model(Shown):
    """The model that made the text."""

    name: str
    revision: str
    """The commit of the model's files."""


class Remark(Shown):
    """What is behind a warning."""

    code: Annotated[str, shown_as("QualityWarning")]
    message: str
    at: Seconds | None = None
    """Where, in seconds of the player's clock."""


class Quality(Shown):
    """How far the text can be trusted; the transcript's json holds more of it."""

    confidence: Share | None = None
    """Mean probability of the words; null if there are none."""
    doubtful_share: Share
    """Share of the words with a probability below 0.5."""
    covered_share: Share
    """Share of the time with speech that gave text."""
    flagged_clips: int
    """Clips whose text was kept in spite of a doubt."""
    truncated_at: Seconds | None = None
    """Where the sound ends earlier than the file says."""
    warnings: list[Annotated[str, shown_as("QualityWarning")]]
    remarks: list[Remark]
    speaker_count: int | None = None
    """How many speakers were told apart; present if the job asked for `speakers`, and null if they could not be."""


class OptionsInEffect(Shown):
    """The options with which a job runs, defaults included."""

    language: Annotated[str, shown_as("Language")]
    model: str
    style: Annotated[str, OneOf(STYLES)]
    preset: Annotated[str, shown_as("Preset")]
    prompt: str | None
    hotwords: str | None
    vocabulary: str | None
    """The name of the vocabulary, whose words the job keeps and does not show."""
    words: bool
    channels: Annotated[str, shown_as("Channels")]
    tracks: list[int] | None
    speakers: Annotated[str | int | dict[str, int], shown_as("Speakers")]
    formats: list[Annotated[str, shown_as("Format")]]
    doubtful_places: bool
