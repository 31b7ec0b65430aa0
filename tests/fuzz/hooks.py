"""What a well-behaved client does and a generator does not.

It takes a new idempotency key for each new request, names no callback and no vocabulary that it has not made, goes on
with uploads that it has begun, and does what the schema says in words only: it counts the characters of its hints and
of a URL's host, the bytes of its metadata, of its names, of its vocabulary and of its recording, asks for the formats
that its options need, and for no more speakers at least than at most. Its corrections are made upon the newest one, and
fit the words.
"""

from __future__ import annotations

import itertools
import json
import re
import uuid
from collections import deque
from typing import Any

import httpx
import schemathesis

from services.api.settings import ApiSettings
from services.common.domain.annotations import MAX_METADATA_BYTES, MAX_NAMES_BYTES
from services.common.domain.options import DEFAULT_FORMATS, FORMATS, MAX_HINT_CHARACTERS
from services.common.domain.vocabularies import MAX_VOCABULARY_BYTES
from tests.support.urls import with_a_host_of_dns

MAX_UPLOAD_BYTES = ApiSettings.model_fields["max_upload_bytes"].default
MOST_SENT = 1_000
NEEDS = {"words": "json", "doubtful_places": "docx"}
"""Which format an option needs."""
JOBS = "/api/jobs"
tags: dict[str, str] = {}
"""The `ETag` of each job's newest correction, by the path at which it is."""
waiting: deque[str] = deque(maxlen=5)
"""Ids of the last jobs that were registered for an upload in parts."""
_numbers = itertools.count()
_JOB = re.compile(r"job_[a-z2-7]{26}")
_KEY = re.compile(r"[A-Za-z0-9_:.-]{1,200}")


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Change what is valid by its schema; requests that are wrong on purpose stay as they were generated."""
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and _KEY.fullmatch(key):
        case.headers["Idempotency-Key"] = uuid.uuid4().hex
    _take_a_known_job(case)
    if isinstance(case.body, dict):
        _shorten_texts(case.body)
        case.body.pop("callback_id", None)
        if isinstance(size := case.body.get("size"), (int, float)) and size > MAX_UPLOAD_BYTES:
            case.body["size"] = MAX_UPLOAD_BYTES
        _announce(case.operation.path, case.body)
        _correct(case)
        _shorten_host(case.body)
        _shorten_host(case.body.get("callback"))
    if isinstance(case.body, dict) and isinstance(options := case.body.get("options"), dict):
        for hint in {"prompt", "hotwords"} & options.keys():
            if isinstance(text := options[hint], str):
                options[hint] = text[: MAX_HINT_CHARACTERS // 2]
        options.pop("vocabulary", None)
        _ask_for_formats(options)
        _order_bounds(options.get("speakers"))


@schemathesis.hook
def after_call(_context: Any, case: Any, response: Any) -> None:
    """Note the newest corrections. Ask for the first links of an upload in parts at once, and note its job."""
    if (case.method, response.status_code) == ("PUT", 200):
        (tags[case.formatted_path],) = response.headers["etag"]
    if (case.operation.path, case.method, response.status_code) != (JOBS, "POST", 201):
        return
    if (made := response.json())["upload"] is None:
        asked = response.request
        place = f"{asked.url.partition('?')[0]}/{made['job_id']}/upload"
        httpx.post(place, headers={"Authorization": asked.headers["Authorization"]}, trust_env=False)
        waiting.append(made["job_id"])


def _take_a_known_job(case: Any) -> None:
    """An upload is renewed and completed of a job that waits for that, where the generator made an id up."""
    of_uploads = case.operation.path.endswith(("/upload", "/upload/complete"))
    if of_uploads and waiting and not _JOB.fullmatch(str(case.path_parameters.get("job_id"))):
        case.path_parameters["job_id"] = waiting[next(_numbers) % len(waiting)]


def _correct(case: Any) -> None:
    """All new texts are inserted before the first word, by nobody, upon the newest correction."""
    if case.method != "PUT" or not isinstance(changes := case.body.get("changes"), list):
        return
    pieces = [
        piece
        for change in changes
        for segment in change["segments"]
        for piece in segment["pieces"]
        if isinstance(piece, str)
    ]
    segments = [{"speaker": None, "pieces": pieces}] if pieces else []
    case.body["changes"] = [{"first": 0, "end": 0, "segments": segments}]
    case.headers["If-Match"] = tags.get(case.formatted_path, '"0"')


def _announce(path: str, job: dict[str, Any]) -> None:
    """Every third upload is one in parts, which has a size, here one that can be sent; none has a made-up checksum."""
    if path != JOBS:
        return
    if "multipart" not in job and not next(_numbers) % 3:
        job["multipart"] = True
    if job.get("multipart") is True:
        job["size"] = 1 + int(job.get("size") or 0) % MOST_SENT
        job.pop("checksum_sha256", None)
    job.pop("checksum_crc32", None)


def _shorten_texts(body: dict[str, Any]) -> None:
    """Metadata, names and the words of a vocabulary have so many bytes as a whole, which no schema can say."""
    if isinstance(metadata := body.get("metadata"), dict):
        while len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_METADATA_BYTES:
            metadata.popitem()
    if isinstance(names := body.get("names"), list):
        while len(json.dumps(names, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_NAMES_BYTES:
            names.pop()
    if isinstance(words := body.get("words"), list):
        while sum(len(word.encode()) for word in words) > MAX_VOCABULARY_BYTES:
            words.pop()


def _shorten_host(target: object) -> None:
    if isinstance(target, dict) and isinstance(url := target.get("url"), str):
        target["url"] = with_a_host_of_dns(url)


def _order_bounds(speakers: object) -> None:
    if isinstance(speakers, dict) and {"at_least", "at_most"} <= speakers.keys():
        speakers["at_least"], speakers["at_most"] = sorted((speakers["at_least"], speakers["at_most"]))


def _ask_for_formats(options: dict[str, Any]) -> None:
    needed = {form for option, form in NEEDS.items() if options.get(option) is True}
    formats = options.get("formats")
    if formats is None and not needed <= set(DEFAULT_FORMATS):
        options["formats"] = sorted(needed)
    elif isinstance(formats, list):
        options["formats"] = [*formats, *sorted(needed - set(formats))][-len(FORMATS) :]
