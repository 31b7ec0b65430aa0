"""The folder in which a system keeps what must outlive it, for as long as the system runs."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from services.common.domain.ids import new_api_key
from services.local.emulator.kept.ledger import LOCK, KeptFolderError, Ledger, make

ENDING_SECONDS = 30
"""How long what a killed system has left behind may take to end."""
API_PORT, AWS_PORT, API_KEY = "api_port", "aws_port", "api_key"


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The ports that a system listens at; 0: any that is free."""

    api: int = 0
    aws: int = 0


class KeptFolder:
    """A folder that no other system may use meanwhile: `with KeptFolder(path) as folder: …`."""

    def __init__(self, path: Path) -> None:
        """Take the folder, which is made if it is missing.

        Raises:
            KeptFolderError: it cannot be used.

        """
        self.path = path.absolute()
        self.lock = self._locked()
        """The number of the open file that is locked. Whoever inherits it keeps the folder locked while it lives."""
        try:
            with closing(Ledger(self.path)) as ledger:
                self._settings = ledger.settings()
            # Written each time, so that a folder that cannot be written is noticed now.
            self._put(**{API_KEY: self._settings.get(API_KEY) or new_api_key()})
        except BaseException:
            os.close(self.lock)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.lock)

    @property
    def addresses(self) -> Addresses:
        """Where the system of this folder listened last, so that links of earlier jobs lead there again."""
        return Addresses(api=int(self._settings.get(API_PORT, 0)), aws=int(self._settings.get(AWS_PORT, 0)))

    @property
    def api_key(self) -> str:
        """The key of the folder's own client, the same at each start."""
        return str(self._settings[API_KEY])

    def remember(self, addresses: Addresses) -> None:
        """Put down where the system listens now; the emulator must not run yet.

        Raises:
            KeptFolderError: it cannot be written.

        """
        self._put(**{API_PORT: addresses.api, AWS_PORT: addresses.aws})

    def _put(self, **settings: object) -> None:
        with closing(Ledger(self.path)) as ledger:
            try:
                ledger.put_down(**settings)
            except (OSError, sqlite3.Error) as error:
                raise KeptFolderError(
                    f"{self.path} cannot be written ({error}): make room there, or choose another folder."
                ) from None
        self._settings |= settings

    def _locked(self) -> int:
        try:
            make(self.path)
            number = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise KeptFolderError(
                f"{self.path} cannot be used ({error.strerror}): choose a folder that you may write to."
            ) from None
        if not _taken(number):
            whose = _whose(number)
            os.close(number)
            raise KeptFolderError(
                f"{self.path} is in use by another local system (process {whose}): end that one first, or choose "
                "another folder."
            )
        os.ftruncate(number, 0)
        os.write(number, f"{os.getpid()}\n".encode())
        return number


def _taken(number: int) -> bool:
    """Lock an open file. What a system that was killed has left behind holds it until its last changes are written."""
    until = time.monotonic() + ENDING_SECONDS
    while True:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if _lives(_whose(number)) or time.monotonic() > until:
                return False
            time.sleep(0.1)
        else:
            return True


def _whose(number: int) -> str:
    """The number of the process that a lock names."""
    return os.pread(number, 20, 0).decode("ascii", "replace").strip()


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError, ValueError):
        return False
    except PermissionError:  # it is somebody else's
        pass
    return True
