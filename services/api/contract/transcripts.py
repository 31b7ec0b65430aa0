"""Transcripts as clients get them: the json, as `services.common.transcript.formats` writes it, and other files."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from services.api.contract.jobs import JobCorrection, Model, OptionsInEffect, Quality, Seconds, Share, Shown
from services.api.schemas.fields import shown_as
from services.common.domain.options import FORMATS
from services.common.transcript.formats import media_type

_LABEL = Field(pattern="^S[1-9][0-9]*$")


class TranscriptWord(Shown):
    """A word with its time."""

    word: str
    start: Seconds
    end: Seconds
    probability: Share
    speaker: Annotated[str, _LABEL] | None = None
    """As the segment's."""


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
    speaker: Annotated[str, _LABEL] | None = None
    """The `id` of who says all of it; present if the job asked for `speakers`, and null if it is not known."""
    words: list[TranscriptWord] | None = None
    """Present if the job asked for `words`."""


class TranscriptSpeaker(Shown):
    """A speaker who was told apart from the others."""

    id: Annotated[str, _LABEL]
    """`S1` for the one who is heard first, and so on; no renaming changes it."""
    name: str
    """The client's name as it was when the text was written; else, in the transcript's language, `Speaker 1`."""
    channel: int | None = None
    """From 0; present if the job asked for `channels: separate`."""


class SpeakerQuality(Shown):
    """What is known of a speaker's words."""

    id: Annotated[str, _LABEL]
    seconds: Seconds
    """How long the speaker's words are together."""
    words: int
    confidence: Share
    """Mean probability of the speaker's words."""


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
    speakers: list[SpeakerQuality] | None = None
    """Present if the job asked for `speakers`; in their order."""


class Transcript(Shown):
    """The json transcript."""

    version: Literal[2]
    """Of the file's form: fields and words may be added to a version, nothing else changes."""
    language: str
    """ISO 639 code."""
    duration: Seconds
    """Of the recording."""
    text: str
    """One segment a line or, if the job asked for `speakers`, a paragraph for each turn, with an empty line between.
    The speaker's name stands before it if several speak, or if the client gave a name."""
    speakers: list[TranscriptSpeaker] | None = None
    """Present if the job asked for `speakers`; in the order in which they are heard first."""
    segments: list[TranscriptSegment]
    quality: TranscriptQuality
    options: OptionsInEffect
    model: Model
    versions: dict[str, str]
    """Of the programs that made the text."""
    correction: JobCorrection | None = None
    """Absent: the text is the machine's."""
    reference: str | None = None
    """The client's own name for the job, as it was when the text was written."""
    metadata: Annotated[dict[str, str], shown_as("Metadata")] = Field(default={})
    """As it was when the text was written."""


_JSON = "json"
_EXAMPLES = {
    "txt": "Anna Ek: Välkomna till mötet.\n",
    "srt": "1\n00:00:00,000 --> 00:00:02,500\nAnna Ek: Välkomna till mötet.\n",
    "vtt": "WEBVTT\n\n00:00.000 --> 00:02.500\n<v Anna Ek>Välkomna till mötet.\n",
    "tsv": "start\tend\ttext\tspeaker\n0\t2500\tVälkomna till mötet.\tAnna Ek\n",
    "docx": "PK…",
}
_TEXT = {"type": "string"}
_HEADERS = {
    "Content-Disposition": "The recording's name with the format's ending; of a file only, as the next ones are.",
    "Content-Encoding": "`gzip`, if the request takes it.",
    "ETag": "Of this content in this encoding.",
}


def add_to(document: dict[str, Any]) -> None:
    """Say of the operations on transcripts that they answer with a link or with a file, in place."""
    link, whole = ({"$ref": f"#/components/schemas/{name}"} for name in ("TranscriptLink", "Transcript"))
    either = "With `redirect=false` the link; of the latest version, or of a correction, the file."
    for path, schema, description in (
        ("/api/jobs/{job_id}/transcript", {"anyOf": [link, whole]}, either),
        ("/api/shared/transcript", whole, "The file."),
    ):
        content: dict[str, Any] = {media_type(_JSON): {"schema": schema}}
        for form in (one for one in FORMATS if one != _JSON):
            content[media_type(form)] = {"schema": _TEXT, "example": _EXAMPLES[form]}
        document["paths"][path]["get"]["responses"]["200"] = {
            "description": description,
            "content": content,
            "headers": {name: {"description": about, "schema": _TEXT} for name, about in _HEADERS.items()},
        }
