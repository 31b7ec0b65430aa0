"""The lock: of each model the one revision, and the files, that are taken for good, `{name or name@style: record}`.

It lies in `packer/models.lock.json`, and in the bucket, where Terraform puts it for machines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from services.common.domain import model_keys
from services.gpu_worker.engine.decode.catalogue import CATALOGUE
from services.gpu_worker.engine.decode.model_files import ModelFiles, Record, require_same

Lock = dict[str, Record]


def read(path: Path) -> Lock:
    """An empty one where there is no file."""
    lock: Lock = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return lock


def write(lock: Lock, path: Path) -> None:
    """The same to the byte for the same models."""
    path.write_text(json.dumps(lock, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def known(lock: Mapping[str, Record], key: str) -> Record | None:
    """What the lock knows of a model; None if it does not, or only of a commit that the catalogue has left.

    A style may be pinned to a branch. Then the commit that was recorded is the one that counts.
    """
    name, style = model_keys.split(key)
    row = CATALOGUE.get(name)
    pinned = row.revisions.get(style) if row else None
    recorded = lock.get(key)
    return recorded if recorded and pinned in {None, style, recorded["revision"]} else None


def check_or_record(lock: Lock, model: ModelFiles) -> bool:
    """Check a model that the lock knows, and record one that it does not; True if it was recorded.

    Raises:
        DamagedModelError: the lock knows other files.

    """
    if recorded := known(lock, model.key):
        require_same(model.key, model.digests, recorded)
        return False
    lock[model.key] = Record(revision=model.revision, sha256=dict(model.digests))
    return True
