"""Where this program keeps what it must remember: a login, uploads that are under way. Only their owner can read it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

NAME = "transcribe"


def config() -> Path:
    """The folder of settings, by the XDG Base Directory Specification."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / NAME


def state() -> Path:
    """The folder of what may be lost without harm, by the same specification."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / NAME


def write(path: Path, text: str) -> None:
    """Write a file that nobody else can read, as a whole: whoever reads at the same moment finds the old or the new.

    Raises:
        OSError: it cannot be written.

    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A temporary file is made with mode 0600.
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
