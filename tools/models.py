"""Records models in the lock, which says what a machine may fetch, and with which digests.

`python -m tools.models record NAME[@style] …` asks the hub for a model's files at the catalogue's revision, and writes
their digests to packer/models.lock.json. The weights, half a gigabyte, are not downloaded for that. Without names it
records the models of the deployment that Terraform has created from here, else the default one, and those that tell
speakers apart (`speakers`), of which the project itself knows what they are. A model that the lock
knows stays as it is: to record a newer commit of a style's branch, delete its entry first.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import threading
import time
from concurrent.futures import Future
from fnmatch import fnmatch
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.request import Request, urlopen

from services.common.domain import model_keys
from services.gpu_worker.engine.decode import catalogue
from services.gpu_worker.engine.decode.catalogue import CATALOGUE, SPEAKERS
from services.gpu_worker.engine.decode.model_files import NEEDED, ModelRecord, shipped
from services.gpu_worker.engine.decode.model_sources import HUB_FILES
from services.gpu_worker.image import model_lock
from tools import deployment
from tools.deployment import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

LOCK = Path(__file__).parents[1] / "packer" / "models.lock.json"
ANSWER_SECONDS, PATIENCE_SECONDS = 3.0, 15.0
"""How long the hub may take for one answer, and for all answers in `record_if_reachable`."""
Answer = TypeVar("Answer")


def record(keys: Iterable[str], path: Path) -> list[str]:
    """Record the models that the lock at `path` does not know; returns their names.

    Raises:
        RefusedError: the hub did not answer, or has no such model; the models before it are recorded.

    """
    held, new = model_lock.read(path), []
    for key in keys:
        if not model_lock.known(held, key):
            held[key] = ask(key)
            model_lock.write(held, path)
            new.append(key)
    return new


def ask(key: str) -> ModelRecord:
    """A model's commit and digests, from the hub.

    Raises:
        RefusedError: the catalogue or the hub does not know it, or the hub did not answer.

    """
    if own := shipped(key):
        return own
    name, _ = model_keys.split(key)
    revision = catalogue.revision(key)
    if revision is None:
        raise RefusedError(f"The catalogue knows no model {key}; it knows {', '.join((*CATALOGUE, SPEAKERS))}.")
    try:
        found = _from_hub(name, revision)
    except (OSError, HTTPException, ValueError, KeyError) as error:
        raise RefusedError(f"The hub did not say what {key} is ({type(error).__name__}: {error}).") from None
    missing = [file for file in NEEDED if file not in found["sha256"]]
    if missing:
        raise RefusedError(f"{key} at {found['revision']} lacks {', '.join(missing)}, which the engine needs.")
    return found


def _from_hub(name: str, revision: str) -> ModelRecord:
    told = json.loads(_get(f"api/models/{name}/revision/{revision}?blobs=true"))
    digests: dict[str, str] = {}
    for entry in told["siblings"]:
        file = entry["rfilename"]
        if not any(fnmatch(file, pattern) for pattern in HUB_FILES):
            continue
        if large := entry.get("lfs"):
            digests[file] = large["sha256"]
        else:
            digests[file] = hashlib.sha256(_get(f"{name}/resolve/{told['sha']}/{file}")).hexdigest()
    return ModelRecord(revision=told["sha"], sha256=digests)


def _get(path: str) -> bytes:
    """The content at a path of the hub. Python's own library fetches it, so that the command needs no other."""
    hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    asked = Request(f"{hub}/{path}", headers={"User-Agent": "gpu-transcriber"})  # noqa: S310 - the operator's own choice
    with urlopen(asked, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - as above
        content: bytes = answer.read()
    return content


def listed() -> tuple[str, ...]:
    """The models that tell speakers apart, and those of the deployment that Terraform has created from here.

    If there is no deployment, the default one instead.

    Raises:
        RefusedError: the deployment's settings cannot be read.

    """
    names = deployment.Names.of(deployment.outputs())
    return (SPEAKERS, *(deployment.needs(names).models if names.known else deployment.MODELS))


def record_if_reachable(keys: Iterable[str], path: Path = LOCK) -> None:
    """As `record`, as a step of another command: what could not be recorded is printed, and raises no error."""
    held, until = model_lock.read(path), time.monotonic() + PATIENCE_SECONDS
    unknown = [key for key in keys if not model_lock.known(held, key)]
    try:
        while unknown:
            # The other thread only asks the hub: once it is no longer waited for, it must not write.
            held[unknown[0]] = _within(until - time.monotonic(), partial(ask, unknown[0]))
            model_lock.write(held, path)
            _say([unknown.pop(0)], path)
    except RefusedError as error:
        sys.stderr.write(
            f"left out: recording {', '.join(unknown)}. {error} No machine may fetch what is not recorded: "
            f"run `python -m tools.models record {' '.join(unknown)}` where the hub can be reached.\n"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Record models; the exit status is 0 if the lock knows them all, or with `--if-reachable`; else 1."""
    parser = argparse.ArgumentParser(prog="models", description=__doc__)
    parser.add_argument("command", choices=["record"])
    parser.add_argument("names", nargs="*", help="name or name@style (default: the deployment's)")
    parser.add_argument("--lock", type=Path, default=LOCK)
    parser.add_argument("--if-reachable", action="store_true", help="say what could not be recorded, and be content")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.if_reachable:
            record_if_reachable(chosen.names or _listed_or_default(), chosen.lock)
        else:
            _say(record(chosen.names or listed(), chosen.lock), chosen.lock)
    except RefusedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """What `ask` returns within so many seconds; a client's own timeout does not include the resolving of a name."""
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        raise RefusedError(f"The hub did not answer within {PATIENCE_SECONDS:.0f} s.") from None


def _listed_or_default() -> tuple[str, ...]:
    try:
        return listed()
    except RefusedError as error:
        sys.stderr.write(f"left out: recording the deployment's own models. {error}\n")
        return (SPEAKERS, *deployment.MODELS)


def _say(new: Sequence[str], path: Path) -> None:
    for key in new:
        sys.stdout.write(f"recorded {key} in {path.name}: commit that, and apply\n")


if __name__ == "__main__":
    sys.exit(main())
