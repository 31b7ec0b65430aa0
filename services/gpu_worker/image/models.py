"""The model's files, made ready before the engine asks for them.

An image's blocks arrive slowly on first touch, one reader at a time a few megabytes a second; the bucket, and many
readers at once, are faster. So: from `models/` in the bucket into memory, where it is there; else from the folder that
was named (the image's), read ahead by several readers; else from the hub. One of the deployment's machines takes from
the hub, and from the bucket, only what the lock knows; a person's own box believes what it fetches.
"""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import ClientError

from services.common.domain.errors import DamagedModelError, unrecorded
from services.gpu_worker.engine.decode.catalogue import PACKAGED
from services.gpu_worker.engine.decode.model_files import (
    DIGESTS,
    ModelMissingError,
    Record,
    bytes_on_hub,
    default_cache,
    locate,
    place,
    relative,
    require_same,
)
from services.gpu_worker.image import model_lock
from services.gpu_worker.machine import read_ahead
from services.gpu_worker.machine.retrying import Retrying

if TYPE_CHECKING:
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


class Models:
    """Finds the model that jobs call `key`, and brings it near."""

    def __init__(
        self,
        s3: S3Client,
        bucket: str,
        *,
        folder: Path | None,
        memory: Path | None,
        retrying: Retrying | None = None,
        locked: bool = False,
    ) -> None:
        """`folder`: the image's models, or one model; `memory`: where a fetched model may be put.

        `retrying`: how the bucket is waited for; for ever, unless that is said. `locked`: whether only what the
        bucket's lock knows is fetched.
        """
        self._retrying = retrying or Retrying(threading.Event())
        self._s3 = s3
        self._bucket = bucket
        self._folder = folder
        self._memory = memory
        self._locked = locked
        self._here: dict[str, Path] = {}

    def ready(self, key: str) -> Path:
        """The folder that holds the model's files.

        Raises:
            DamagedModelError: the bucket's, the hub's or the image's files are not the ones that were recorded.
            ModelMissingError: it cannot be had, at least not now.

        """
        if fetched := self.fetched(key):
            return fetched
        own = self._own(key)
        if own and own.is_dir():
            read_ahead.touch(read_ahead.of_folder(own))
            log.info("model.read_ahead", model=key)
            return own
        if not self._locked and own:
            raise ModelMissingError("model", f"The model {key} is neither in the image nor in the bucket.")
        return self._from_hub(key) if self._locked and key != PACKAGED else locate(key).folder

    def fetched(self, key: str, unless: threading.Event | None = None) -> Path | None:
        """The bucket's copy, in memory, or on the disk where the image has none.

        None where the bucket holds none, memory is too small, or `unless` was set before all of it was there.

        Raises:
            DamagedModelError: it is not the one that was recorded.

        """
        if key in self._here:
            return self._here[key]
        if self._memory is None or (record := self._record(key)) is None:
            return None
        self._hold_against_others(key, record)
        if unless is None or not self._is_own(key, record):
            # Another than the image's: it is the one that counts, whichever is whole first.
            unless = threading.Event()
        folder = self._fetch(key, record, unless)
        if folder:
            self._here[key] = folder
        return folder

    def _is_own(self, key: str, record: Record) -> bool:
        own = self._own(key)
        held = own and (own / DIGESTS).exists() and json.loads((own / DIGESTS).read_text())["sha256"]
        return bool(held) and held == record["sha256"]

    def _own(self, key: str) -> Path | None:
        return place(self._folder, key) if self._folder else None

    def _from_hub(self, key: str) -> Path:
        """What the lock knows, and nothing else."""
        known = model_lock.known(self._lock(), key)
        if known is None:
            raise ModelMissingError(
                "model", f"The model {key} is neither in the image nor in the bucket. {unrecorded(key)}"
            )
        into = self._lying(key) or self._room(key, bytes_on_hub(key, known)) or default_cache()
        found = locate(key, cache=into, recorded=known)
        log.info("model.fetched_from_hub", model=key, revision=found.revision)
        return found.folder

    def _lock(self) -> model_lock.Lock:
        """As it lies in the bucket now, since an image's own may be old; empty where nobody has put one there."""
        text = self._read_if_there(LOCK)
        found: model_lock.Lock = json.loads(text) if text else {}
        return found

    def _lying(self, key: str) -> Path | None:
        """Where it was fetched to before; the hub need not be there for that."""
        places = [self._memory / "models"] if self._memory else []
        return next((at for at in (*places, default_cache()) if (at / relative(key) / DIGESTS).exists()), None)

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
            return self._retrying(lambda: self._read(key))
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise

    def _hold_against_others(self, key: str, record: Record) -> None:
        """The bucket's copy is the one that the lock knows; where that knows none, the image has the last word."""
        own = self._own(key)
        if self._locked and (known := model_lock.known(self._lock(), key)):
            require_same(key, record["sha256"], known)
        elif own and (own / DIGESTS).exists() and not self._is_own(key, record):
            raise DamagedModelError(f"The bucket's {key} is not the one that the image was built with (sha256).")

    def _fetch(self, key: str, record: Record, unless: threading.Event) -> Path | None:
        """Bring the bucket's files into memory, or onto the disk where there is none yet."""
        prefix = f"{PREFIX}/{relative(key)}"
        sizes = {file: self._retrying(partial(self._size, f"{prefix}/{file}")) for file in record["sha256"]}
        into = self._room(key, sum(sizes.values()))
        own = self._own(key)
        if into is None and own and own.is_dir():
            return None
        folder = (into or default_cache()) / relative(key)
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
        body = self._retrying(lambda: self._read(source, Range=span))
        with destination.open("r+b") as file:
            file.seek(start)
            file.write(body)

    def _read(self, key: str, **how: str) -> bytes:
        return self._s3.get_object(Bucket=self._bucket, Key=key, **how)["Body"].read()  # type: ignore[arg-type] # TypedDict

    def _size(self, key: str) -> int:
        return self._s3.head_object(Bucket=self._bucket, Key=key)["ContentLength"]
