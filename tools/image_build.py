"""Runs Packer, after saying for which deployment and with which variables."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from services.gpu_worker.engine.decode.catalogue import SPEAKERS
from tools import models
from tools.deployment import MODELS, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.deployment import Needs

ARTIFACT = Path("dist/worker.tar.gz")
MOST_CHARACTERS = 256
"""The longest value of a tag; one tag of the image names its models."""


def build(needs: Needs | None, given: Sequence[str] = ()) -> None:
    """Build an image with the packed worker.

    Args:
        needs: of the deployment; None builds with Packer's defaults.
        given: Packer's own arguments, whose variables have precedence.

    Raises:
        RefusedError: a program or the packed worker is missing, or the models' names are too long for a tag.
        CalledProcessError: Packer failed, and printed why.

    """
    for program in ("packer", "git"):
        if shutil.which(program) is None:
            raise RefusedError(f"This needs {program}: put it on PATH.")
    if not ARTIFACT.exists():
        raise RefusedError(f"{ARTIFACT} is missing: run `./nox -s package` first.")
    by_hand = _variables(given)
    chosen = {name: value for name, value in (needs.variables() if needs else {}).items() if name not in by_hand}
    held = (chosen | by_hand).get("models", ",".join(MODELS))
    if len(held) > MOST_CHARACTERS:
        raise RefusedError(f"The models' names have more than {MOST_CHARACTERS} characters together: name fewer.")
    sys.stdout.write(f"{_announcement(needs, chosen, by_hand)}\n")
    models.record_if_reachable([SPEAKERS, *held.split(",")])
    commit = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    of_artifact = {"artifact_sha256": hashlib.sha256(ARTIFACT.read_bytes()).hexdigest(), "commit": commit}
    told = [f"-var={name}={value}" for name, value in (of_artifact | chosen).items()]
    subprocess.run(["packer", "init", "packer"], check=True)
    subprocess.run(["packer", "build", *told, *given, "packer"], check=True)


def _variables(given: Sequence[str]) -> dict[str, str]:
    """The variables among Packer's arguments, written `-var NAME=VALUE` or `-var=NAME=VALUE`."""
    found: dict[str, str] = {}
    words = iter(given)
    for word in words:
        option, equals, value = word.partition("=")
        if option in {"-var-file", "--var-file"}:
            raise RefusedError("-var-file hides what the image is built with: give each variable with -var.")
        if option in {"-var", "--var"}:
            name, _, its = (value if equals else next(words, "")).partition("=")
            found[name] = its
    return found


def _announcement(needs: Needs | None, chosen: dict[str, str], by_hand: dict[str, str]) -> str:
    """A sentence on the deployment that the image is for, and the variables that it is built with."""
    whom = (
        f"An image for the deployment {needs.names.deployment}, as it was applied"
        if needs
        else "Terraform has made no deployment from here, so this image is built by Packer's defaults"
    )
    parts = [f"{name} {value}" for name, value in chosen.items()]
    parts += [f"{name} {value} (given)" for name, value in by_hand.items()]
    return f"{whom}: {', '.join(parts)}" if parts else f"{whom} (packer/variables.pkr.hcl)"
