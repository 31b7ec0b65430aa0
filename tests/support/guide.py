"""docs/deploy.md as somebody follows it: the commands of its blocks, and a shell that runs them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support import official_aws
from tests.support.documents import shell_blocks

ROOT = Path(__file__).parents[2]
GUIDE = "docs/deploy.md"
_NESTED = re.compile(r"\$\(([^()]+)\)")
REGION, SPOT_ROLE, APPLY = "export AWS_REGION", "aws iam create-service-linked-role", 'echo "region'
TRANSCRIBE, UPLOAD = "pip install", "aws s3 cp"
FOLLOWED = (REGION, SPOT_ROLE, APPLY, TRANSCRIBE, UPLOAD)
"""Beginnings of the blocks that are run word by word against the emulator."""
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
LEFT_OUT = {
    "python3 -m venv": "the tests run in an environment of their own",
    "aws service-quotas": "the emulator takes no request for a quota",
    "./nox -s package": "tests/integration/test_packages.py builds them, and what it builds is deployed",
    "./nox -s image": "an image takes an account and a GPU; tests/integration/test_images.py publishes one",
    "terraform -chdir=terraform apply -var": "tests/e2e/test_deployment.py does it step by step at its end: the "
    "command asks, and waits a minute for calls that are under way",
}
"""Beginnings of the others, and why they are not run; what they name is held against what there is."""
STAND_INS = {
    "pip": "exit 0",  # what it would install is what the tests run with
    # The emulator's gateway has an address that leads nowhere.
    "transcribe": 'TRANSCRIBE_URL=${TRANSCRIBE_URL/$GATEWAY/$API} exec "$PYTHON" -m services.cli.main "$@"',
    "aws": 'exec "$AWS" "$@"',
}


def blocks() -> list[str]:
    """The blocks of shell, in their order."""
    return shell_blocks(GUIDE)


def block(beginning: str) -> str:
    """The only block with this beginning."""
    (found,) = [text for text in blocks() if text.startswith(beginning)]
    return found


def commands(text: str) -> list[list[str]]:
    """Every command of a block, those inside others too, as words."""
    lines = text.replace("\\\n", " ").splitlines()
    inner = [nested for line in lines for nested in _NESTED.findall(line)]
    outer = [part for line in lines for part in _NESTED.sub("VALUE", line).split("&&")]
    split = (shlex.split(command, comments=True) for command in (*outer, *inner))
    return [words for words in split if words]


class Shell:
    """Runs blocks in `folder`, which stands for the repository's root.

    Each has a shell of its own, in which the guide's first block was typed: nothing else names the region.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        tools = folder / "stand-ins"
        tools.mkdir()
        for name, script in STAND_INS.items():
            (tools / name).write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
            (tools / name).chmod(0o755)
        self._environment = {
            **{name: value for name, value in environment.items() if name not in REGIONS},
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "AWS": str(official_aws.program()),
            "PYTHON": sys.executable,
            "PYTHONPATH": str(ROOT),
            "TF_CLI_ARGS_apply": "-auto-approve -input=false",
        }

    def follow(self, text: str, **more: str) -> str:
        """Run a block, and return what it printed.

        Raises:
            AssertionError: a command failed.

        """
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block(REGION) + text],
            cwd=self._folder,
            env=self._environment | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout[-4000:]}\n{done.stderr}"
        return done.stdout
