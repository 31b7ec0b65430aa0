"""AWS's own command line, in an environment of its own: what it calls is what operators' and clients' machines call."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from services.local import resources
from tests.support.kept import python_environment

PINNED = Path(__file__).parents[2] / "requirements" / "aws.txt"


def program() -> Path:
    """The program `aws`; the first call on a machine installs it."""
    return python_environment("aws", PINNED) / "bin" / "aws"


class OfficialAws:
    """`aws`, signed in to an emulator; nothing on the machine that runs it, such as a profile, changes what it does."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        """`folder` is where its commands run, and its home."""
        self._program = program()
        self._folder = folder
        self._environment: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": resources.REGION,
            "AWS_DEFAULT_REGION": resources.REGION,  # the only name that the client written in Python reads
        }

    def run(self, *words: str) -> str:
        """Run `aws WORDS…` and return what it printed.

        Raises:
            AssertionError: it failed; the message holds what it wrote.

        """
        done = subprocess.run(
            [self._program, *words],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"aws {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout
