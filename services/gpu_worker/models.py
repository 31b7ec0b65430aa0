"""The model's files, made ready before the engine asks for them.

An image's blocks arrive slowly on first touch, one reader at a time a few megabytes a second; the bucket, and many
readers at once, are faster. So: from `models/` in the bucket into memory, where it is there; else from the folder that
was named (the image's), read ahead by several readers; else from the hub. One of the deployment's machines takes from
the hub, and from the bucket, only what the lock knows; a person's own box believes what it fetches.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import ClientError

from services.common.domain.errors import DamagedModelError, unrecorded
from services.gpu_worker import lock
from services.gpu_worker.engine.catalogue import PACKAGED
from services.gpu_worker.engine.model import (
    DIGESTS,
    NEEDED,
    ModelMissingError,
    Record,
    bytes_on_hub,
    default_cache,
    locate,
    relative,
    require_same,
)
from services.gpu_worker.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

log = structlog.get_logger()
PREFIX = "models"
LOCK = "artifacts/models.lock.json"
"""Where Terraform puts it."""
CHUNK_BYTES = 8 << 20
READERS = 16
_ABSENT = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})
"""A machine may not list the bucket, so S3 answers 403 for what is not there."""
_SPARE = 1.25
"""Memory that must be free, as a multiple of the model's size."""


def place(folder: Path, key: str) -> Path:
    """A model's own folder; `folder` may be that already."""
    return folder if all((folder / file).is_file() for file in NEEDED) else folder / relative(key)


class Models:
    """Finds the model that jobs call `key`, and brings it near."""

    def __init__(
        self,
        s3: S3Client,
        bucket: str,
        *,
        folder: Path | None,
        memory: Path | None,
        patiently: Patience | None = None,
        locked: bool = False,
    ) -> None:
        """`folder`: the image's models, or one model; `memory`: where a fetched model may be put.

        `patiently`: how the bucket is waited for; for ever, unless that is said. `locked`: whether only what the
        bucket's lock knows is fetched.
        """
        self._patiently = patiently or Patience(threading.Event())
        self._s3 = s3
        self._bucket = bucket
        self._folder = folder
        self._memory = memory
        self._locked = locked

    def ready(self, key: str) -> Path:
        """The folder that holds the model's files.

        Raises:
            DamagedModelError: the bucket's, the hub's or the image's files are not the ones that were recorded.
            ModelMissingError: it cannot be had, at least not now.

        """
        own = place(self._folder, key) if self._folder else None
        held = own is not None and own.is_dir()
        if self._memory and (record := self._record(key)):
            self._hold_against_others(key, record, own)
            if fetched := self._fetch(key, record, spare=held):
                return fetched
        if own and held:
            _read_ahead(own)
            log.info("model.read_ahead", model=key)
            return own
        if not self._locked and own:
            raise ModelMissingError("model", f"The model {key} is neither in the image nor in the bucket.")
        return self._from_hub(key) if self._locked and key != PACKAGED else locate(key).folder

    def _from_hub(self, key: str) -> Path:
        """What the lock knows, and nothing else."""
        known = lock.known(self._lock(), key)
        if known is None:
            raise ModelMissingError(
                "model", f"The model {key} is neither in the image nor in the bucket. {unrecorded(key)}"
            )
        into = self._room(key, bytes_on_hub(key, known)) or default_cache()
        found = locate(key, cache=into, recorded=known)
        log.info("model.fetched_from_hub", model=key, revision=found.revision)
        return found.folder

    def _lock(self) -> lock.Lock:
        """As it lies in the bucket now, since an image's own may be old; empty where nobody has put one there."""
        text = self._read_if_there(LOCK)
        found: lock.Lock = json.loads(text) if text else {}
        return found

    def _room(self, key: str, size: int) -> Path | None:
        """The folder in memory, if the model fits there."""
        if self._memory is None:
            return None
        self._memory.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._memory).free < size * _SPARE:
            log.warning("model.too_large_for_memory", model=key, bytes=size)
            return None
        return self._memory / "models"

    def _record(self, key: str) -> Record | None:
        """The bucket's record of the model: revision and digests; None if it does not hold it."""
        text = self._read_if_there(f"{PREFIX}/{relative(key)}/{DIGESTS}")
        if text is None:
            return None
        record: Record = json.loads(text)
        return record

    def _read_if_there(self, key: str) -> bytes | None:
        try:
            return self._patiently(lambda: self._read(key))
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise

    def _hold_against_others(self, key: str, record: Record, own: Path | None) -> None:
        """The bucket's copy is the one that the lock knows; where that knows none, the image has the last word."""
        if self._locked and (known := lock.known(self._lock(), key)):
            require_same(key, record["sha256"], known)
        elif own and (own / DIGESTS).exists() and json.loads((own / DIGESTS).read_text())["sha256"] != record["sha256"]:
            raise DamagedModelError(f"The bucket's {key} is not the one that the image was built with (sha256).")

    def _fetch(self, key: str, record: Record, *, spare: bool) -> Path | None:
        """Bring the bucket's files into memory, or onto the disk; None where there is a `spare` one on that already."""
        prefix = f"{PREFIX}/{relative(key)}"
        sizes = {file: self._patiently(partial(self._size, f"{prefix}/{file}")) for file in record["sha256"]}
        into = self._room(key, sum(sizes.values()))
        if into is None and spare:
            return None
        folder = (into or default_cache()) / relative(key)
        folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(READERS) as pool:
            for file, size in sizes.items():
                with (folder / file).open("wb") as empty:
                    empty.truncate(size)
                ranges = range(0, size, CHUNK_BYTES)
                list(pool.map(lambda start, of=file: self._copy(f"{prefix}/{of}", folder / of, start), ranges))
        (folder / DIGESTS).write_text(json.dumps(record), encoding="utf-8")
        log.info("model.fetched", model=key, bytes=sum(sizes.values()))
        return folder

    def _copy(self, source: str, destination: Path, start: int) -> None:
        """One range of an object."""
        span = f"bytes={start}-{start + CHUNK_BYTES - 1}"
        body = self._patiently(lambda: self._read(source, Range=span))
        with destination.open("r+b") as file:
            file.seek(start)
            file.write(body)

    def _read(self, key: str, **how: str) -> bytes:
        return self._s3.get_object(Bucket=self._bucket, Key=key, **how)["Body"].read()  # type: ignore[arg-type] # TypedDict

    def _size(self, key: str) -> int:
        return self._s3.head_object(Bucket=self._bucket, Key=key)["ContentLength"]


def _read_ahead(folder: Path, read: Callable[[int, int, int], bytes] = os.pread) -> None:
    """Touch every block once, by many readers; what was read is then in the page cache."""
    with ThreadPoolExecutor(READERS) as pool:
        for path in folder.iterdir():
            descriptor = os.open(path, os.O_RDONLY)
            starts = range(0, path.stat().st_size, CHUNK_BYTES)
            list(pool.map(lambda start, of=descriptor: len(read(of, CHUNK_BYTES, start)), starts))
            os.close(descriptor)
