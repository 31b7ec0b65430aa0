"""A recording through the generated client, told of by a webhook: `python transcribe.py FILE` prints the text.

TRANSCRIBE_URL: the API's address. TRANSCRIBE_KEY: an API key. Types are checked where the client was generated, so that
each `assert_type` holds there what a person who writes such a program may rely on.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TypeVar, assert_type

import httpx
from gpu_transcriber_client import AuthenticatedClient
from gpu_transcriber_client.api.events import list_events
from gpu_transcriber_client.api.jobs import create_job, read_job
from gpu_transcriber_client.api.transcripts import read_transcript
from gpu_transcriber_client.models import (
    CallbackEventType,
    CreatedJob,
    EventView,
    FeedEventType,
    Format,
    JobMessage,
    JobMessageType,
    JobOptions,
    JobStatus,
    JobTimes,
    JobView,
    Language,
    Metadata,
    NewJob,
    ProblemDocument,
    ProgressStage,
    ResultFile,
    Target,
    Transcript,
    TranscriptLink,
)
from gpu_transcriber_client.types import Unset

from services.local.receiver import Received, Receiver

METADATA = {"department": "north"}
SECONDS = 120
"""How long anything may take that is waited for."""
T = TypeVar("T")


def granted(reply: T | ProblemDocument | None) -> T:
    """What was asked for; a refusal ends the program."""
    if reply is None or isinstance(reply, ProblemDocument):
        raise SystemExit(f"The API refused: {reply}")
    return reply


def register(api: AuthenticatedClient, file: Path, hook: str) -> CreatedJob:
    """Make a job whose end is told to the hook."""
    wanted = NewJob(
        file_name=file.name,
        size=file.stat().st_size,
        options=JobOptions(language=Language.SV),
        callback=Target(url=hook, events=[CallbackEventType.TRANSCRIPTION_COMPLETED]),
        metadata=Metadata.from_dict(METADATA),
    )
    return granted(create_job.sync(client=api, body=wanted))


def upload(job: CreatedJob, file: Path) -> None:
    assert job.upload, "which only a job that is uploaded in parts lacks"
    with file.open("rb") as content:
        fields = job.upload.fields.to_dict()
        httpx.post(job.upload.url, data=fields, files={"file": content}).raise_for_status()


def ended(api: AuthenticatedClient, job_id: str) -> JobView:
    deadline = time.monotonic() + SECONDS
    while (job := granted(read_job.sync(job_id, client=api))).progress.stage is not ProgressStage.ENDED:
        assert time.monotonic() < deadline, job
        time.sleep(0.5)
    return job


def completed_event(api: AuthenticatedClient, job_id: str) -> EventView:
    """The event in the feed that says that the job is done; it is there some seconds after it happened."""
    deadline, after = time.monotonic() + SECONDS, None
    while time.monotonic() < deadline:
        feed = granted(list_events.sync(client=api, after=after))
        for event in feed.events:
            if event.job_id == job_id and event.type_ is FeedEventType.TRANSCRIPTION_COMPLETED:
                return event
        after = feed.next_ or after
        time.sleep(0.5)
    raise SystemExit("The feed does not hold the event.")


def read(api: AuthenticatedClient, job_id: str, form: Format) -> httpx.Response:
    """The transcript in one format, from the link, which takes no API key."""
    link = granted(read_transcript.sync(job_id, client=api, format_=form, redirect=False))
    assert isinstance(link, TranscriptLink), "what came is a file: that of the latest version"
    return httpx.get(link.url).raise_for_status()


def transcribe(api: AuthenticatedClient, file: Path) -> tuple[JobView, Received]:
    """The finished job, and the message that told of it."""
    with Receiver() as receiver:
        made = register(api, file, receiver.url)
        assert made.callback
        receiver.trust(made.callback.secret)
        upload(made, file)
        return ended(api, made.job_id), receiver.messages.get(timeout=SECONDS)


def main() -> None:
    api = AuthenticatedClient(os.environ["TRANSCRIBE_URL"], os.environ["TRANSCRIBE_KEY"])
    job, received = transcribe(api, Path(sys.argv[1]))
    assert job.status is JobStatus.COMPLETED, job.error
    assert assert_type(job.created_at, datetime).tzinfo
    assert_type(job.times, JobTimes)
    assert assert_type(job.results, list[ResultFile] | None | Unset)
    message = JobMessage.from_dict(json.loads(received.body))
    assert message.type_ is JobMessageType.TRANSCRIPTION_COMPLETED
    assert message.data.results == job.results
    event = completed_event(api, job.job_id)
    assert event.event_id == received.message_id
    assert event.body == message

    assert isinstance(job.metadata, Metadata)
    assert job.metadata.to_dict() == METADATA
    transcript = Transcript.from_dict(read(api, job.job_id, Format.JSON).json())
    assert transcript.duration == job.duration
    assert transcript.text == message.data.text
    assert transcript.metadata == message.data.metadata == job.metadata
    print(read(api, job.job_id, Format.TXT).text)


if __name__ == "__main__":
    main()
