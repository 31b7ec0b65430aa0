"""The models in a deployment's bucket, each with the record of its digests, and the lock that Terraform puts there."""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from services.common.domain import object_keys
from services.gpu_worker.engine.decode.model_files import DIGESTS, ModelRecord, relative
from services.gpu_worker.machine.retrying import Retrying

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from services.gpu_worker.image.model_lock import Lock

CHUNK_BYTES = 8 << 20
READERS = 16
_ABSENT = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})
"""S3's codes for an object that is not there; 403 is among them, since a machine may not list the bucket."""


class BucketModels:
    """Reads models and their records from the bucket; every call is retried while S3 does not answer."""

    def __init__(self, s3: S3Client, bucket: str, retrying: Retrying | None = None) -> None:
        """`retrying`: makes the calls of S3; if None, they are retried without end."""
        self._s3 = s3
        self._bucket = bucket
        self._retrying = retrying or Retrying(threading.Event())

    def lock(self) -> Lock:
        """The bucket's lock, since the one in the image may be older; empty if the bucket has none."""
        text = self._read_if_there(object_keys.MODELS_LOCK)
        found: Lock = json.loads(text) if text else {}
        return found

    def record(self, key: str) -> ModelRecord | None:
        """A model's revision and digests; None if the bucket does not hold the model."""
        text = self._read_if_there(object_keys.model_file(relative(key), DIGESTS))
        if text is None:
            return None
        record: ModelRecord = json.loads(text)
        return record

    def sizes(self, key: str, record: ModelRecord) -> dict[str, int]:
        """The size in bytes of each of a model's files, by name."""
        sources = {file: object_keys.model_file(relative(key), file) for file in record["sha256"]}
        return {file: self._retrying(partial(self._size, source)) for file, source in sources.items()}

    def fetch(
        self, key: str, record: ModelRecord, sizes: dict[str, int], folder: Path, unless: threading.Event
    ) -> bool:
        """Fetch a model's files into a folder, by many readers at once.

        Args:
            key: the name under which jobs ask for the model.
            record: as from `record`.
            sizes: as from `sizes`.
            folder: where the files are put.
            unless: once it is set, fetching stops and the folder is removed.

        Returns:
            Whether all files were fetched.

        """
        folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(READERS) as pool:
            for file, size in sizes.items():
                with (folder / file).open("wb") as empty:
                    empty.truncate(size)
                source = object_keys.model_file(relative(key), file)
                copy = partial(self._copy, source, folder / file, unless)
                list(pool.map(copy, range(0, size, CHUNK_BYTES)))
        if unless.is_set():
            shutil.rmtree(folder)
            return False
        (folder / DIGESTS).write_text(json.dumps(record), encoding="utf-8")
        return True

    def _copy(self, source: str, destination: Path, unless: threading.Event, start: int) -> None:
        """Copy one range of an object to the same place in a file."""
        if unless.is_set():
            return
        span = f"bytes={start}-{start + CHUNK_BYTES - 1}"
        body = self._retrying(lambda: self._read(source, Range=span))
        with destination.open("r+b") as file:
            file.seek(start)
            file.write(body)

    def _read_if_there(self, key: str) -> bytes | None:
        try:
            return self._retrying(lambda: self._read(key))
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise

    def _read(self, key: str, **how: str) -> bytes:
        return self._s3.get_object(Bucket=self._bucket, Key=key, **how)["Body"].read()  # type: ignore[arg-type] # TypedDict

    def _size(self, key: str) -> int:
        return self._s3.head_object(Bucket=self._bucket, Key=key)["ContentLength"]
