"""Uploads in parts that have begun and not ended, so that the same command goes on with them, however it was stopped.

There is one file for each. It is written before the job is registered, so that no lost answer loses a job. Beside it is
one that the run has locked which sends the recording now, so that another run does not register it once more.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from services.cli import folders
from services.cli.errors import RefusedError
from services.cli.printing import note, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from services.cli.recordings.input.content import Content
    from services.cli.recordings.input.sources import Source

KEPT_SECONDS = 2 * 24 * 3_600
"""S3 keeps parts as long."""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What is registered, or is about to be."""

    body: dict[str, Any]
    """Of `POST /api/jobs`, checksum included: the same request has the same body."""
    idempotency_key: str
    job_id: str | None = None
    """None: no answer has come."""

    @classmethod
    def of(cls, body: dict[str, Any]) -> Registration:
        """A new one."""
        return cls(body=body, idempotency_key=str(uuid.uuid4()))

    def known(self, job_id: str) -> Registration:
        """The same with the job's id."""
        return replace(self, job_id=job_id)


def can_keep(source: Source) -> bool:
    """Whether another run can know that it has the same recording: only of a file."""
    return source.beside is not None


class ResumeRecord:
    """The record of one upload: of this file as it is, for this client of this API, with these wishes."""

    def __init__(self, identity: str, source: Source, content: Content, wanted: Mapping[str, Any]) -> None:
        """`identity`: of the client at the API; `wanted`: what is asked for."""
        self.is_kept = can_keep(source)
        of = [identity, str(source.beside and source.beside.resolve()), content.size, content.modified, wanted]
        name = hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()
        self._file = folders.state() / "uploads" / f"{name}.json"
        self._word = content.word

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs from this upload, as long as the context is or this program runs.

        Raises:
            RefusedError: another run is at it.

        """
        file = self._file.with_suffix(".lock")
        try:
            number = _locked(file) if self.is_kept else None
        except BlockingIOError:
            raise RefusedError(
                f"Another run uploads {shown(self._word)} at this moment: wait for its text, or end it and run this "
                "command again, which goes on where it stopped."
            ) from None
        except OSError:
            # What cannot be remembered cannot be locked either, and some file systems have no locks.
            number = None
        try:
            yield
        finally:
            if number is not None:
                with suppress(OSError):
                    file.unlink()
                os.close(number)

    def read(self) -> Registration | None:
        """What an earlier run has registered, or was about to; None: nothing."""
        if not self.is_kept:
            return None
        try:
            return Registration(**json.loads(self._file.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, registration: Registration) -> None:
        """Keep a registration. Where that is not possible, the upload goes on all the same."""
        if not self.is_kept:
            return
        try:
            folders.write(self._file, json.dumps(asdict(registration)))
        except OSError as error:
            note(
                f"{shown(self._file.parent)} cannot be written ({error.strerror}): "
                "if this upload is interrupted, it begins anew."
            )
            self.is_kept = False
        else:
            self._forget_old_ones()

    def remove(self) -> None:
        """Forget it: the upload is complete, or will never be."""
        with suppress(OSError):
            self._file.unlink()

    def _forget_old_ones(self) -> None:
        for file in self._file.parent.iterdir():
            with suppress(OSError):
                if file.stat().st_mtime < time.time() - KEPT_SECONDS:
                    file.unlink()


def _locked(path: Path) -> int:
    """Lock a file, which is made if there is none; returns its descriptor. Closing it, or any end, opens the lock.

    Raises:
        BlockingIOError: somebody else has locked it.
        OSError: it cannot be made or locked.

    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.utime(number)
            # Whoever had it may have removed it since it was opened here: then it keeps nobody out.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(number), path.stat()):
                    return number
        except OSError:
            os.close(number)
            raise
        os.close(number)
