"""The lock of models: for each, `name` or `name@style`, the only revision and file digests that are accepted.

It is kept in `packer/models.lock.json`, and Terraform puts it into the bucket for machines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from services.common.domain import model_keys
from services.gpu_worker.engine.decode import catalogue
from services.gpu_worker.engine.decode.model_files import ModelFiles, ModelRecord, require_same

Lock = dict[str, ModelRecord]


def read(path: Path) -> Lock:
    """The lock in a file; an empty one if there is no file."""
    lock: Lock = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return lock


def write(lock: Lock, path: Path) -> None:
    """Write the lock to a file, with the same bytes for the same models."""
    path.write_text(json.dumps(lock, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def known(lock: Mapping[str, ModelRecord], key: str) -> ModelRecord | None:
    """The record of a model; None if the lock has none, or only one of a commit that is no longer the catalogue's.

    The catalogue may name a branch for a style. Then the recorded commit counts.
    """
    _, style = model_keys.split(key)
    pinned = catalogue.revision(key)
    recorded = lock.get(key)
    return recorded if recorded and pinned in {None, style, recorded["revision"]} else None


def check_or_record(lock: Lock, model: ModelFiles) -> bool:
    """Check a model that the lock knows, or record one that it does not know; True if it was recorded.

    Raises:
        DamagedModelError: the model's files are not those in the lock.

    """
    if recorded := known(lock, model.key):
        require_same(model.key, model.digests, recorded)
        return False
    lock[model.key] = ModelRecord(revision=model.revision, sha256=dict(model.digests))
    return True
