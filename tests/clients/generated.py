"""Clients that are generated from the API's document, each with a program of ours that uses it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support import node
from tests.support.kept import python_environment

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PINNED = ROOT / "requirements" / "clients.txt"


@dataclass(frozen=True, kw_only=True)
class Client:
    """Commands of the shell, which run in a folder that holds the program."""

    name: str
    generate: str
    """As docs/api/README.md shows it; TRANSCRIBE_URL is the API's address."""
    strictly: str = ""
    """What is added to it so that a warning is an error."""
    check: str
    """Checks the types of the program and of what was generated."""
    use: str
    """Prints the text of the recording FILE; TRANSCRIBE_KEY is an API key."""
    install: Callable[[], Path]
    """Gives the folder of the environment with the generator's programs."""
    programs: str
    """Where they are in it."""

    def prepare(self, folder: Path) -> Workplace:
        """Fill a new folder with the program and the environment."""
        shutil.copytree(HERE / self.name, folder)
        environment = folder / Path(self.programs).parts[0]
        environment.symlink_to(self.install())
        return Workplace(folder, folder / self.programs)


@dataclass(frozen=True)
class Workplace:
    """Where a client is generated, checked and used."""

    folder: Path
    programs: Path

    def run(self, command: str, **variables: str) -> str:
        """Run a command and return what it writes.

        :raises AssertionError: it failed; the message holds what it wrote.
        """
        path = os.pathsep.join([str(self.programs), os.environ["PATH"]])
        # Programs in Python use the project's own receiver of webhooks.
        known = {"PATH": path, "PYTHONPATH": str(ROOT), "MYPYPATH": str(ROOT)}
        done = subprocess.run(
            ["sh", "-euc", command],
            cwd=self.folder,
            env=os.environ | known | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout


PYTHON = Client(
    name="python",
    generate='openapi-python-client generate --meta none --url "$TRANSCRIBE_URL/api/openapi.json"',
    strictly="--fail-on-warning",
    check="mypy transcribe.py gpu_transcriber_client",
    use='python transcribe.py "$FILE"',
    install=lambda: python_environment("python-clients", PINNED),
    programs="environment/bin",
)
TYPESCRIPT = Client(
    name="typescript",
    generate='npx openapi-typescript "$TRANSCRIBE_URL/api/openapi.json" -o transcriber.ts --default-non-nullable false',
    check="tsc",
    use='node transcribe.js "$FILE"',
    install=lambda: node.packages(HERE / "typescript"),
    programs="node_modules/.bin",
)
CLIENTS = (PYTHON, TYPESCRIPT)
