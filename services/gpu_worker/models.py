"""The model's files, made ready before the engine asks for them.

An image's blocks arrive slowly on first touch, one reader at a time a few megabytes a second; the bucket, and many
readers at once, are faster. So: from `models/` in the bucket into memory, where it is there; else from the folder that
was named (the image's), read ahead by several readers; else, where none was named, from the cache or the hub.
"""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from botocore.exceptions import ClientError

from services.common.domain.errors import DamagedModelError
from services.gpu_worker import read_ahead
from services.gpu_worker.engine.catalogue import CATALOGUE
from services.gpu_worker.engine.model import DIGESTS, NEEDED, ModelMissingError, locate
from services.gpu_worker.patience import Patience

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

log = structlog.get_logger()
PREFIX = "models"
CHUNK_BYTES = 8 << 20
READERS = 16
_ABSENT = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})
"""A machine may not list the bucket, so S3 answers 403 for what is not there."""
_SPARE = 1.25
"""Memory that must be free, as a multiple of the model's size."""


def relative(key: str) -> str:
    """Where a model lies in a folder or under `models/`: `KBLab--kb-whisper-small/<revision>`, or its bare name."""
    name, _, style = key.partition("@")
    known = CATALOGUE.get(name)
    folder = name.replace("/", "--")
    return f"{folder}/{known.revisions[style or 'standard']}" if known else folder


def place(folder: Path, key: str) -> Path:
    """A model's own folder; `folder` may be that already."""
    return folder if all((folder / file).is_file() for file in NEEDED) else folder / relative(key)


class Models:
    """Finds the model that jobs call `key`, and brings it near."""

    def __init__(
        self, s3: S3Client, bucket: str, *, folder: Path | None, memory: Path | None, patiently: Patience | None = None
    ) -> None:
        """`folder`: the image's models, or one model; `memory`: where a model from the bucket may be put.

        `patiently`: how the bucket is waited for; for ever, unless that is said.
        """
        self._patiently = patiently or Patience(threading.Event())
        self._s3 = s3
        self._bucket = bucket
        self._folder = folder
        self._memory = memory

    def ready(self, key: str) -> Path:
        """The folder that holds the model's files.

        Raises:
            DamagedModelError: the bucket's or the image's files are not the ones that were recorded.
            ModelMissingError: it is nowhere.

        """
        if fetched := self.fetched(key):
            return fetched
        own = self._own(key)
        if own and own.is_dir():
            read_ahead.touch(read_ahead.of_folder(own))
            log.info("model.read_ahead", model=key)
            return own
        if own:
            raise ModelMissingError("model", f"The model {key} is neither in the image nor in the bucket.")
        return locate(key).folder

    def fetched(self, key: str, unless: threading.Event | None = None) -> Path | None:
        """The bucket's copy, in memory.

        None where the bucket holds none, memory is too small, or `unless` was set before all of it was there.

        Raises:
            DamagedModelError: it is not the one that the image was built with.

        """
        if self._memory is None or (record := self._record(key)) is None:
            return None
        return self._fetch(key, record, self._memory, unless or threading.Event())

    def _own(self, key: str) -> Path | None:
        return place(self._folder, key) if self._folder else None

    def _record(self, key: str) -> dict[str, Any] | None:
        """The bucket's record of the model: revision and digests; None if it does not hold it."""
        try:
            body = self._patiently(lambda: self._read(f"{PREFIX}/{relative(key)}/{DIGESTS}"))
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        record: dict[str, Any] = json.loads(body)
        return record

    def _fetch(self, key: str, record: dict[str, Any], memory: Path, unless: threading.Event) -> Path | None:
        own = self._own(key)
        if own and (own / DIGESTS).exists() and json.loads((own / DIGESTS).read_text())["sha256"] != record["sha256"]:
            raise DamagedModelError(f"The bucket's {key} is not the one that the image was built with (sha256).")
        prefix = f"{PREFIX}/{relative(key)}"
        sizes = {file: self._patiently(partial(self._size, f"{prefix}/{file}")) for file in record["sha256"]}
        memory.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(memory).free < sum(sizes.values()) * _SPARE:
            log.warning("model.too_large_for_memory", model=key, bytes=sum(sizes.values()))
            return None
        folder = memory / "models" / relative(key)
        if (folder / DIGESTS).exists():
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(READERS) as pool:
            for file, size in sizes.items():
                with (folder / file).open("wb") as empty:
                    empty.truncate(size)
                ranges = range(0, size, CHUNK_BYTES)
                list(pool.map(lambda start, of=file: self._copy(f"{prefix}/{of}", folder / of, start, unless), ranges))
        if unless.is_set():
            shutil.rmtree(folder)
            return None
        (folder / DIGESTS).write_text(json.dumps(record), encoding="utf-8")
        log.info("model.fetched", model=key, bytes=sum(sizes.values()))
        return folder

    def _copy(self, source: str, destination: Path, start: int, unless: threading.Event) -> None:
        """One range of an object."""
        if unless.is_set():
            return
        span = f"bytes={start}-{start + CHUNK_BYTES - 1}"
        body = self._patiently(lambda: self._read(source, Range=span))
        with destination.open("r+b") as file:
            file.seek(start)
            file.write(body)

    def _read(self, key: str, **how: str) -> bytes:
        return self._s3.get_object(Bucket=self._bucket, Key=key, **how)["Body"].read()  # type: ignore[arg-type] # TypedDict

    def _size(self, key: str) -> int:
        return self._s3.head_object(Bucket=self._bucket, Key=key)["ContentLength"]
