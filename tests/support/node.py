"""Node programs, with their packages installed once per version of package.json."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECEIVER = ROOT / "examples/receivers/node"
WEBVTT = ROOT / "tests/support/webvtt"


def installed(program: Path) -> Path:
    """A copy of a program's folder with `node_modules` beside it, kept in the user's cache between runs.

    :raises AssertionError: Node is missing, or npm could not install; the message holds npm's own.
    """
    assert shutil.which("npm"), "This needs Node 18 or later with npm on the PATH."
    digest = hashlib.sha256((program / "package.json").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gpu-transcriber"
    folder = cache / f"node-{program.name}-{digest}"
    if not (folder / "node_modules").is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=cache))
        shutil.copy(program / "package.json", fresh)
        npm = subprocess.run(
            ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"],
            cwd=fresh,
            capture_output=True,
            text=True,
            check=False,
        )
        assert npm.returncode == 0, npm.stderr
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    for source in program.glob("*.?js"):
        shutil.copy(source, folder)
    return folder
