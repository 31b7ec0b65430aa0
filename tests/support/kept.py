"""What tests install for themselves: once per version of what it is made from, and kept in the user's cache."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.support.programs import find


def kept(name: str, version: bytes, install: Callable[[Path], None]) -> Path:
    """The folder that `install` has filled for this version; it is given an empty one, which is then renamed.

    :raises AssertionError: a program of the installation failed; the message holds its own.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gpu-transcriber"
    folder = cache / f"{name}-{hashlib.sha256(version).hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as around:
        fresh = Path(around) / name
        fresh.mkdir()
        install(fresh)
        try:
            fresh.rename(folder)
        except OSError:
            if not folder.is_dir():  # or somebody else was faster
                raise
    return folder


def python_environment(name: str, pins: Path) -> Path:
    """The folder of an environment that holds what a file of pins with hashes says, and nothing else.

    :raises AssertionError: it could not be installed; the message says why.
    """

    def install(folder: Path) -> None:
        uv = find("uv")
        assert uv, "This needs uv, which requirements/dev.txt installs."
        run(uv, "venv", "--relocatable", "--python", sys.executable, folder)
        run(uv, "pip", "install", "--python", folder / "bin" / "python", "--require-hashes", "-r", pins)

    return kept(name, sys.executable.encode() + pins.read_bytes(), install)


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a program of an installation, which says nothing unless it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
