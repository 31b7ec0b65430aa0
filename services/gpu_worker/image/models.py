"""Gets the model's files ready before an engine loads them.

The blocks of an image are slow at their first read, a few megabytes a second for a single reader; the bucket, and many
readers at once, are faster. So a model is fetched from `models/` in the bucket into memory, if it is there; else it is
read ahead in the folder of the settings, which is the image's; else it is fetched from the hub or, if it is what tells
speakers apart, made from a package. A machine of the deployment fetches only what the lock knows; any other machine
trusts what it fetches.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from typing import TYPE_CHECKING

import structlog

from services.common.domain import model_keys
from services.common.domain.errors import DamagedModelError, unrecorded
from services.gpu_worker.engine.decode.catalogue import PACKAGED, SPEAKERS
from services.gpu_worker.engine.decode.model_files import (
    DIGESTS,
    ModelRecord,
    default_cache,
    locate,
    place,
    relative,
    require_same,
)
from services.gpu_worker.engine.decode.model_sources import ModelMissingError, size
from services.gpu_worker.image import model_lock
from services.gpu_worker.machine import read_ahead

if TYPE_CHECKING:
    from pathlib import Path

    from services.common.domain.errors import TranscriberError
    from services.gpu_worker.image.bucket_models import BucketModels

log = structlog.get_logger()
_AGAIN_SECONDS = 300.0
"""How long speakers' models that could not be had are not looked for again: that may take minutes, for every part."""
_SPARE = 1.25
"""How much memory must be free, as a multiple of the model's size."""


class Models:
    """Gets the files of models, by the `key` under which jobs ask for them: `name` or `name@style`."""

    def __init__(self, bucket: BucketModels, *, folder: Path | None, memory: Path | None, locked: bool = False) -> None:
        """The models of one machine.

        Args:
            bucket: the models in the deployment's bucket.
            folder: the folder of the image's models, or of one model.
            memory: a folder in memory for models from the bucket; None: the bucket is not asked.
            locked: whether only models that the bucket's lock knows are fetched.

        """
        self._bucket = bucket
        self._folder = folder
        self._memory = memory
        self._locked = locked
        self._fetched: dict[str, Path] = {}
        self._speakers: Path | None = None
        self._no_speakers: TranscriberError | None = None
        """Why they could not be had when they were looked for last."""
        self._no_speakers_until = 0.0
        self._getting_speakers = threading.Lock()
        """Several parts may begin at once: while one gets the files, another must not take or write half of them."""

    def ready(self, key: str) -> Path:
        """The folder that holds the model's files, once they are there.

        Raises:
            DamagedModelError: the bucket's, the hub's or the image's files are not the recorded ones.
            ModelMissingError: the model cannot be got now.

        """
        if fetched := self.fetched(key):
            return fetched
        own = self._own(key)
        if own and own.is_dir():
            read_ahead.touch(read_ahead.of_folder(own))
            log.info("model.read_ahead", model=key)
            return own
        if not self._locked and own and key != SPEAKERS:
            raise ModelMissingError("model", f"The model {key} is neither in the image nor in the bucket.")
        return self._from_source(key) if self._locked and key != PACKAGED else locate(key).folder

    def speakers(self) -> Path:
        """The folder of the models that tell speakers apart, each file proved once to be the recorded one.

        Raises:
            DamagedModelError: a file is missing, or differs.
            ModelMissingError: they cannot be had now.

        """
        with self._getting_speakers:
            if self._no_speakers and time.monotonic() < self._no_speakers_until:
                raise self._no_speakers
            if self._speakers is None:
                try:
                    self._speakers = locate(SPEAKERS, self.ready(SPEAKERS)).folder
                except (DamagedModelError, ModelMissingError) as error:
                    self._no_speakers, self._no_speakers_until = error, time.monotonic() + _AGAIN_SECONDS
                    raise
            return self._speakers

    def fetched(self, key: str, unless: threading.Event | None = None) -> Path | None:
        """The folder of the bucket's copy: in memory, or on the disk if memory is too small and the image has no copy.

        None if the bucket has no copy, if memory is too small and the image has one, or if `unless` was set first.

        Raises:
            DamagedModelError: it is not the recorded model.

        """
        if key in self._fetched:
            return self._fetched[key]
        if self._memory is None or (record := self._bucket.record(key)) is None:
            return None
        self._require_recorded(key, record)
        if unless is None or not self._is_own(key, record):
            # It differs from the image's copy, so it has to be used, even if the image's is complete first.
            unless = threading.Event()
        folder = self._from_bucket(key, record, unless)
        if folder:
            self._fetched[key] = folder
        return folder

    def _own(self, key: str) -> Path | None:
        """The folder in which the image's copy would be; None if there are no models in the image."""
        return place(self._folder, key) if self._folder else None

    def _is_own(self, key: str, record: ModelRecord) -> bool:
        own = self._own(key)
        held = own and (own / DIGESTS).exists() and json.loads((own / DIGESTS).read_text())["sha256"]
        return bool(held) and held == record["sha256"]

    def _require_recorded(self, key: str, record: ModelRecord) -> None:
        """Check that the bucket's copy is the one in the lock or, where the lock has none, the one in the image.

        Raises:
            DamagedModelError: it is not.

        """
        own = self._own(key)
        if self._locked and (known := model_lock.known(self._bucket.lock(), key)):
            require_same(key, record["sha256"], known)
        elif own and (own / DIGESTS).exists() and not self._is_own(key, record):
            raise DamagedModelError(f"The bucket's {key} is not the one that the image was built with (sha256).")

    def _from_bucket(self, key: str, record: ModelRecord, unless: threading.Event) -> Path | None:
        """Fetch the bucket's copy, and return its folder; see `fetched`."""
        sizes = self._bucket.sizes(key, record)
        into = self._memory_for(key, sum(sizes.values()))
        own = self._own(key)
        if into is None and own and own.is_dir():
            return None
        folder = (into or default_cache()) / relative(key)
        if not self._bucket.fetch(key, record, sizes, folder, unless):
            return None
        log.info("model.fetched", model=key, bytes=sum(sizes.values()))
        return folder

    def _from_source(self, key: str) -> Path:
        """The folder of the hub's copy, or of one that is made now, at the revision in the lock.

        Raises:
            ModelMissingError: the lock does not know the model, or it cannot be had now.

        """
        known = model_lock.known(self._bucket.lock(), key)
        if known is None:
            raise ModelMissingError(
                "model", f"The model {key} is neither in the image nor in the bucket. {unrecorded(key)}"
            )
        into = self._fetched_before(key) or self._memory_for(key, _size(key, known)) or default_cache()
        found = locate(key, cache=into, recorded=known)
        log.info("model.fetched_from_source", model=key, revision=found.revision)
        return found.folder

    def _fetched_before(self, key: str) -> Path | None:
        """The folder of an earlier fetch, after which the hub need not be asked; None without one."""
        places = [self._memory / "models"] if self._memory else []
        return next((at for at in (*places, default_cache()) if (at / relative(key) / DIGESTS).exists()), None)

    def _memory_for(self, key: str, size: int) -> Path | None:
        """The folder in memory for a model of `size` bytes; None if it does not fit there."""
        if self._memory is None:
            return None
        self._memory.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._memory).free < size * _SPARE:
            log.warning("model.too_large_for_memory", model=key, bytes=size)
            return None
        return self._memory / "models"


def _size(key: str, recorded: ModelRecord) -> int:
    """The size in bytes of a model that the lock knows.

    Raises:
        ModelMissingError: the hub does not say.

    """
    name, _ = model_keys.split(key)
    return size(name, recorded["revision"], recorded["sha256"])
