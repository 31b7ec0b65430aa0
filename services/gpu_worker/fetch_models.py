"""Fetch models for an image: `python -m services.gpu_worker.fetch_models --into FOLDER --lock FILE NAMES`.

NAMES are separated by commas, as in MODELS; `--source FOLDER` takes them from a folder instead of from the hub. The
lock holds the digests of every model that was ever fetched with it: a model that it knows must be the same again, one
that it does not know is recorded.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from services.common import logs
from services.common.domain.errors import DamagedModelError, TranscriberError
from services.gpu_worker.engine.model import ModelFiles, locate
from services.gpu_worker.models import place


def hold_against(lock: dict[str, dict[str, str]], model: ModelFiles) -> bool:
    """Check a model against the lock, `{"name@revision": {file: sha256}}`; True if it was new and is now in it.

    Raises:
        DamagedModelError: the lock knows other digests for this revision.

    """
    key = f"{model.name}@{model.revision}"
    if key not in lock:
        lock[key] = dict(model.digests)
        return True
    for file, digest in lock[key].items():
        if model.digests.get(file) != digest:
            raise DamagedModelError(f"{file} of {key} is not the file that the lock knows (sha256).")
    return False


def fetch(key: str, into: Path, source: Path | None) -> ModelFiles:
    """One model, from another folder of the same layout or from the hub, checked against its own record."""
    if source is not None:
        shutil.copytree(place(source, key), place(into, key), dirs_exist_ok=True)
    return locate(key, cache=into)


def main() -> int:
    """Exit status 0 if every model is there and is the one that the lock knows."""
    logs.begin("gpu_worker")
    parser = argparse.ArgumentParser(prog="fetch_models", description=__doc__)
    parser.add_argument("names")
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--lock", type=Path, required=True)
    parser.add_argument("--source", type=Path)
    chosen = parser.parse_args()
    lock: dict[str, dict[str, str]] = json.loads(chosen.lock.read_text("utf-8")) if chosen.lock.exists() else {}
    try:
        for key in filter(None, chosen.names.split(",")):
            model = fetch(key, chosen.into, chosen.source)
            new = hold_against(lock, model)
            sys.stdout.write(f"{model.name} {model.revision}: {'recorded in' if new else 'as in'} the lock\n")
    except TranscriberError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    chosen.lock.write_text(json.dumps(lock, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
