"""Fetches models for an image: `python -m services.gpu_worker.image.fetch_models --into FOLDER --lock FILE NAMES`.

NAMES are separated by commas, as in MODELS; `--source FOLDER` takes them from a folder instead of from the hub. The
lock holds the digests of models: one that it knows must have the same digests again, one that it does not know is
recorded in it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from services.common import logs
from services.common.domain.errors import TranscriberError
from services.gpu_worker.engine.decode.catalogue import SPEAKERS
from services.gpu_worker.engine.decode.model_files import ModelFiles, ModelRecord, locate, place
from services.gpu_worker.engine.decode.model_sources import ModelMissingError
from services.gpu_worker.image.model_lock import check_or_record, known, read, write


def fetch(key: str, into: Path, source: Path | None, recorded: ModelRecord | None) -> ModelFiles:
    """Fetch one model into a folder, from another folder of the same layout or from the hub.

    The models that tell speakers apart are made if the other folder does not hold them.

    Raises:
        DamagedModelError: it is not as it was `recorded`.
        ModelMissingError: it cannot be got.

    """
    held = place(source, key) if source else None
    if held and held.is_dir():
        shutil.copytree(held, place(into, key), dirs_exist_ok=True)
    elif held and key != SPEAKERS:
        raise ModelMissingError("model", f"There is no {key} in {source}: put its files into {held}.")
    return locate(key, cache=into, recorded=recorded)


def main() -> int:
    """Fetch the models; the exit status is 0 if each is the one in the lock, or was recorded there."""
    logs.begin("gpu_worker")
    parser = argparse.ArgumentParser(prog="fetch_models", description=__doc__)
    parser.add_argument("names")
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--lock", type=Path, required=True)
    parser.add_argument("--source", type=Path)
    chosen = parser.parse_args()
    lock = read(chosen.lock)
    try:
        for key in filter(None, chosen.names.split(",")):
            model = fetch(key, chosen.into, chosen.source, known(lock, key))
            new = check_or_record(lock, model)
            sys.stdout.write(f"{model.name} {model.revision}: {'recorded in' if new else 'as in'} the lock\n")
    except TranscriberError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    write(lock, chosen.lock)
    return 0


if __name__ == "__main__":
    sys.exit(main())
