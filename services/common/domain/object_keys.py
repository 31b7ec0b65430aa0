"""The keys of the bucket: all of them are made here and nowhere else.

A `place` (`Job.place`) is the folder name of one edition of a job. The places of all editions begin with the job's
id, so the id gives the prefix of them all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from services.common.domain.records import PART

if TYPE_CHECKING:
    from services.common.domain.records import Job

UPLOADS = "uploads/"
RESULTS = "results/"
WORK = "work/"
MODELS = "models/"
MODELS_LOCK = "artifacts/models.lock.json"
"""Where Terraform puts the lock of models."""
DEFAULT_CLIENT = "default"
CLIENT_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

_UNWANTED = re.compile(r"[\x00-\x1f\x7f/\\$]+")
"""Slashes, control characters and `$`. In an upload's form, S3 replaces `${filename}` by a name that the sender
chooses, and boto3 then signs the form for every key under the folder."""
_NAME_BYTES = 255
"""Longest file name, in bytes of UTF-8: file systems take no longer ones."""


def file_name(name: str) -> str:
    """A client's file name as one path segment: spaces, åäö and + stay; slashes, `$` and control characters do not."""
    kept = _UNWANTED.sub("_", name).strip()
    while len(kept.encode()) > _NAME_BYTES:
        kept = kept[1:]
    return kept if kept.strip(".") else "recording"


def folder(client_id: str) -> str:
    """The prefix of a client's uploads. The default client owns all uploads that no other client's prefix matches."""
    return UPLOADS if client_id == DEFAULT_CLIENT else f"{UPLOADS}{client_id}/"


def upload(client_id: str, job_id: str, name: str) -> str:
    """The key for the upload of a job that was made over the API."""
    return f"{UPLOADS}{client_id}/{job_id}/{file_name(name)}"


def upload_job(key: str) -> tuple[str | None, str | None]:
    """The (client id, job id) that an upload's key names, None where it names none. Neither of them need exist."""
    match key.removeprefix(UPLOADS).split("/"):
        case [client, job, _] if job.startswith("job_"):
            return client, job
        case [client, _, *_]:
            return client, None
        case _:
            return None, None


def in_one_spelling(text: str) -> str:
    """The text in NFC, for comparisons: macOS writes letters and their accents apart, others together."""
    if text.isascii():
        return text
    from unicodedata import normalize  # noqa: PLC0415 - a cold start of the API need not load it

    return normalize("NFC", text)


def named_by_client(job: Job) -> str:
    """The key under which the client knows a job's recording: a callback's prefix is compared with it.

    Of a plain upload it is the real key. The real key of a job of the API is not the client's choice: it has the job's
    id in it, and none of the name's slashes. So for such a job it is the file name as given, in the client's folder.
    """
    if upload_job(job.source_key) == (job.client_id, job.job_id):
        return folder(job.client_id) + job.file_name
    return job.source_key


def results(place: str) -> str:
    """The prefix of the results of all attempts."""
    return f"{RESULTS}{place}/"


def result_prefix(place: str, attempt: int) -> str:
    """The prefix of one attempt's results. No other attempt writes there, so announced results never change."""
    return f"{results(place)}{attempt}/"


def result(place: str, attempt: int, extension: str) -> str:
    return f"{result_prefix(place, attempt)}transcript.{extension}"


def words(place: str, attempt: int) -> str:
    """The key of an attempt's whole transcript, from which any format can be written later."""
    return f"{result_prefix(place, attempt)}words.json.gz"


def correction(place: str, number: int) -> str:
    """The key of one version of the corrections. Attempts are numbers, so no result has such a key."""
    return f"{results(place)}corrections/{number}.json"


def peaks(place: str, attempt: int) -> str:
    """The key of what a picture of the sound is drawn from, written by the attempt that planned the recording."""
    return f"{result_prefix(place, attempt)}peaks.gz"


def listening(place: str, attempt: int) -> str:
    """The key of the copy for browsers that do not play the recording itself; written as `peaks`."""
    return f"{result_prefix(place, attempt)}listening.m4a"


def work(place: str) -> str:
    """The prefix of plans, parts' audio and checkpoints."""
    return f"{WORK}{place}/"


def plan(place: str) -> str:
    return f"{work(place)}plan.json"


def part_audio(place: str, part_id: str) -> str:
    return f"{work(place)}{part_id.removeprefix(PART)}.flac"


def checkpoint(place: str, part_id: str, attempt: int, serial: int) -> str:
    """The key of a checkpoint with finished clips of a part. Two attempts never write the same key."""
    return f"{checkpoints(place, part_id)}{attempt:04d}-{serial:06d}.json"


def checkpoints(place: str, part_id: str) -> str:
    return f"{work(place)}{part_id.removeprefix(PART)}/"


def observed(place: str, part_id: str, attempt: int, serial: int) -> str:
    """The key of a checkpoint with what was observed of a part's speakers. Two attempts never write the same key."""
    return f"{all_observed(place, part_id)}{attempt:04d}-{serial:06d}.json"


def all_observed(place: str, part_id: str) -> str:
    return f"{work(place)}speakers-{part_id.removeprefix(PART)}/"


def model_file(model: str, file: str) -> str:
    """The key of a model's file; `model` is the folder of one revision of it, below `models/`."""
    return f"{MODELS}{model}/{file}"
