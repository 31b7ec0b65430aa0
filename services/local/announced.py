"""Says to `transcribe --local …` how the system is reached, while it runs."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from services.cli.api.connection import local_file, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.cli.api.kept import Connection


@contextmanager
def announced(here: Connection) -> Iterator[Connection | None]:
    """Announce a system within this context.

    Another one that runs already stays the one that `--local` means; it is what the context gives.

    Raises:
        OSError: the file cannot be written.

    """
    if other := running():
        yield other
        return
    path = local_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        # The lock ends with this process, however it ends. It is there before the file has its name.
        fcntl.flock(file, fcntl.LOCK_EX)
        json.dump(asdict(here), file)
        file.flush()
        fresh.replace(path)
        try:
            yield None
        finally:
            path.unlink(missing_ok=True)
