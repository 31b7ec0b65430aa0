"""Says to `transcribe --local …` how the system is reached, while it runs."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, TextIO

from services.cli.api.connection import local_file, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.cli.api.kept import Connection


@contextmanager
def announced(here: Connection) -> Iterator[Connection | None]:
    """Announce a system within this context.

    Another one that runs already stays the one that `--local` means; it is what the context gives.

    Raises:
        OSError: the file cannot be written.

    """
    path = local_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _turn(path.parent):
        other = running()
        file = None if other else _written(path, here)
    if file is None:
        yield other
        return
    with file:
        try:
            yield None
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Wait until nobody else looks whether a system runs, and announces one if not."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _written(path: Path, here: Connection) -> TextIO:
    """The file, open and locked. The lock ends with this process, however it ends."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    file = os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8")
    # It is locked and whole before it has its name.
    fcntl.flock(file, fcntl.LOCK_EX)
    json.dump(asdict(here), file)
    file.flush()
    fresh.replace(path)
    return file
