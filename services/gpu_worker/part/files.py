"""What the worker reads from the bucket and writes to it: recordings, plans, checkpoints and results."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from services.common.domain import object_keys
from services.common.domain.errors import SourceGoneError, SourceReplacedError
from services.common.domain.media_types import UNKNOWN
from services.common.transcript import kept_words
from services.common.transcript.formats import media_type
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.speakers.windows import ObservedWindow
from services.gpu_worker.engine.stopping import StoppedError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from services.common.domain.records import Job, Part

_CHUNK_BYTES = 1 << 20


class Files:
    """The objects of one deployment's bucket; `place` is where a job's objects lie (`object_keys.py`)."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def fetch_source(self, job: Job, destination: Path, stop: threading.Event) -> None:
        """Download exactly the object that the job was made for.

        Raises:
            SourceGoneError: it was deleted.
            SourceReplacedError: another object has its key now.
            StoppedError: `stop` is set.

        """
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=job.source_key, IfMatch=f'"{job.source_etag}"')
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in {"NoSuchKey", "404"}:
                raise SourceGoneError(
                    "The recording was deleted before it could be read. Upload it once more under the same name, and "
                    "this job begins anew."
                ) from None
            if code in {"PreconditionFailed", "412"}:
                raise SourceReplacedError(
                    "The recording was replaced by another upload before it was read. The other one is transcribed, by "
                    "a job of its own or by this one, begun anew. To have this one too, upload it once more."
                ) from None
            raise
        with destination.open("wb") as file:
            for chunk in reply["Body"].iter_chunks(_CHUNK_BYTES):
                file.write(chunk)
                if stop.is_set():
                    raise StoppedError

    def fetch(self, key: str, destination: Path) -> None:
        self._s3.download_file(self._bucket, key, str(destination))

    def store(self, key: str, source: Path, kind: str = UNKNOWN) -> None:
        # Not `upload_file`, whose errors at times do not say what AWS answered: then a throttled call looks like a bug.
        with source.open("rb") as file:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=file, ContentType=kind)

    def put_plan(self, place: str, plan: Plan) -> None:
        self._put_json(object_keys.plan(place), plan.to_json())

    def plan(self, place: str) -> Plan:
        return Plan.from_json(self._get_json(object_keys.plan(place)))

    def put_checkpoint(self, place: str, part: Part, serial: int, results: Sequence[ClipResult]) -> None:
        """Store finished clips for later attempts; `serial` is a number that is used once in an attempt."""
        key = object_keys.checkpoint(place, part.part_id, part.attempt, serial)
        self._put_json(key, [result.to_json() for result in results])

    def checkpoints(self, place: str, part_id: str) -> dict[int, ClipResult]:
        """Every finished clip of a part, by index, from all attempts."""
        stored = self._stored(object_keys.checkpoints(place, part_id))
        return {data["index"]: ClipResult.from_json(data) for data in stored}

    def put_windows(self, place: str, part: Part, serial: int, windows: Sequence[ObservedWindow]) -> None:
        """Store observed windows for later attempts and the merge; `serial` as for `put_checkpoint`."""
        key = object_keys.observed(place, part.part_id, part.attempt, serial)
        self._put_json(key, [window.to_json() for window in windows])

    def windows(self, place: str, part_id: str) -> dict[int, ObservedWindow]:
        """Every observed window of a part, by index, from all attempts, but those that another release observed."""
        stored = filter(ObservedWindow.is_readable, self._stored(object_keys.all_observed(place, part_id)))
        return {data["index"]: ObservedWindow.from_json(data) for data in stored}

    def publish(
        self, place: str, attempt: int, rendered: Mapping[str, bytes], words: bytes
    ) -> dict[str, dict[str, Any]]:
        """Write one attempt's results, and its words beside them.

        Args:
            place: where the job's objects lie.
            attempt: its number.
            rendered: the transcript in each format.
            words: packed as in `kept_words.py`. They are not a result: their form may change, that of the results not.

        Returns:
            `{format: {key, bytes, sha256}}` of the results.

        """

        def put(key: str, content: bytes, content_type: str) -> None:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=content_type)

        keys = {form: object_keys.result(place, attempt, form) for form in rendered}
        with ThreadPoolExecutor(len(rendered) + 1) as pool:
            puts = [pool.submit(put, keys[form], content, media_type(form)) for form, content in rendered.items()]
            puts.append(pool.submit(put, object_keys.words(place, attempt), words, kept_words.MEDIA_TYPE))
        for written in puts:
            written.result()
        return {
            form: {"key": keys[form], "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for form, content in rendered.items()
        }

    def _stored(self, prefix: str) -> Iterator[Any]:
        """What the lists below a prefix hold."""
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                yield from self._get_json(entry["Key"])

    def _put_json(self, key: str, content: object) -> None:
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")

    def _get_json(self, key: str) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())
