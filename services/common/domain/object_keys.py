"""The bucket's keys: nothing else knows how they are spelled.

A `place` is where one edition of a job has its results and work (`Job.place`); a job's id stands for all of its places.
"""

from __future__ import annotations

import re

from services.common.domain.records import PART

UPLOADS = "uploads/"
RESULTS = "results/"
WORK = "work/"
MODELS = "models/"
DEFAULT_CLIENT = "default"
CLIENT_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

_UNWANTED = re.compile(r"[\x00-\x1f\x7f/\\$]+")
"""What ends a segment, what nobody can type, and `$`: in an upload's form S3 puts a name of the sender's choosing for
`${filename}`, and boto3 then signs the form for every key under the folder."""
_NAME_BYTES = 255
"""Longest file name kept, in UTF-8: what file systems take."""


def file_name(name: str) -> str:
    """A client's file name as one path segment: spaces, åäö and + stay; slashes, `$` and control characters do not."""
    kept = _UNWANTED.sub("_", name).strip()
    while len(kept.encode()) > _NAME_BYTES:
        kept = kept[1:]
    return kept if kept.strip(".") else "recording"


def folder(client_id: str) -> str:
    """Where a client's uploads lie; the default client owns whatever lies under nobody's name."""
    return UPLOADS if client_id == DEFAULT_CLIENT else f"{UPLOADS}{client_id}/"


def upload(client_id: str, job_id: str, name: str) -> str:
    """Where the upload of a job made over the API belongs."""
    return f"{UPLOADS}{client_id}/{job_id}/{file_name(name)}"


def upload_job(key: str) -> tuple[str | None, str | None]:
    """The (client id, job id) that an upload's key may carry; neither is proof of anything."""
    match key.removeprefix(UPLOADS).split("/"):
        case [client, job, _] if job.startswith("job_"):
            return client, job
        case [client, _, *_]:
            return client, None
        case _:
            return None, None


def results(place: str) -> str:
    """Under which all attempts' results lie."""
    return f"{RESULTS}{place}/"


def result_prefix(place: str, attempt: int) -> str:
    """Results of one attempt: never written by another, so what was announced never changes."""
    return f"{results(place)}{attempt}/"


def result(place: str, attempt: int, extension: str) -> str:
    return f"{result_prefix(place, attempt)}transcript.{extension}"


def words(place: str, attempt: int) -> str:
    """What is kept of an attempt beside its results, to write any format from later."""
    return f"{result_prefix(place, attempt)}words.json.gz"


def work(place: str) -> str:
    """Under which plans, part audio and checkpoints lie."""
    return f"{WORK}{place}/"


def plan(place: str) -> str:
    return f"{work(place)}plan.json"


def part_audio(place: str, part_id: str) -> str:
    return f"{work(place)}{part_id.removeprefix(PART)}.flac"


def checkpoint(place: str, part_id: str, attempt: int, serial: int) -> str:
    """Finished clips of a part, as one attempt wrote them: two attempts never share a key."""
    return f"{checkpoints(place, part_id)}{attempt:04d}-{serial:06d}.json"


def checkpoints(place: str, part_id: str) -> str:
    return f"{work(place)}{part_id.removeprefix(PART)}/"
