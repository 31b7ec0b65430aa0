"""Node programs, with their packages installed once per version of package.json."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.kept import kept, run

ROOT = Path(__file__).parents[2]
RECEIVER = ROOT / "examples/receivers/node"
WEBVTT = ROOT / "tests/support/webvtt"
# Scripts of packages are left out: none is needed, and one reports who installs it.
INSTALL = ("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent", "--ignore-scripts")


def installed(program: Path) -> Path:
    """A copy of a program's folder with `node_modules` beside it, kept in the user's cache between runs.

    :raises AssertionError: Node is missing, or npm could not install; the message holds npm's own.
    """
    folder = packages(program).parent
    for source in program.glob("*.?js"):
        shutil.copy(source, folder)
    return folder


def packages(program: Path) -> Path:
    """The `node_modules` of a program's package.json.

    :raises AssertionError: as `installed`.
    """
    assert shutil.which("npm"), "This needs Node 18 or later with npm on the PATH."
    wanted = program / "package.json"

    def install(folder: Path) -> None:
        shutil.copy(wanted, folder)
        run(*INSTALL, cwd=folder)

    return kept(f"node-{program.name}", wanted.read_bytes(), install) / "node_modules"
