"""Node programs of the examples, with their packages installed once per version of package.json."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

RECEIVER = Path(__file__).parents[2] / "examples/receivers/node"


def installed_receiver() -> Path:
    """A copy of the Node receiver with `node_modules` beside it, kept in the user's cache between runs.

    :raises AssertionError: Node is missing, or npm could not install; the message holds npm's own.
    """
    assert shutil.which("npm"), "The Node receiver needs Node 18 or later with npm on the PATH."
    digest = hashlib.sha256((RECEIVER / "package.json").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gpu-transcriber"
    folder = cache / f"node-receiver-{digest}"
    if not (folder / "node_modules").is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=cache))
        shutil.copy(RECEIVER / "package.json", fresh)
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
    shutil.copy(RECEIVER / "receiver.mjs", folder)
    return folder
