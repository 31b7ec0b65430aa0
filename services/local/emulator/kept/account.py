"""Keeps the account in a folder while the emulator runs: every few seconds what has changed, and the rest at the end.

What is on disk is always the account as it was at one moment: the changes of a round are taken in one turn among all
writes, and written together. So nothing there points at something that is missing, whenever the machine lost its power.
Kept are the items of tables, the objects of buckets, uploads in parts, the messages of queues and the keys. Everything
else is made anew at each start, under the same names.
"""

from __future__ import annotations

import errno
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

from services.common.domain.times import now_ms
from services.local.emulator.kept.items import Items
from services.local.emulator.kept.ledger import Entry, KeptFolderError, Ledger, Place
from services.local.emulator.kept.messages import Keys, Messages
from services.local.emulator.kept.objects import Objects
from services.local.emulator.kept.uploads import Uploads
from services.local.emulator.transactions import TURN

EVERY_SECONDS = 2.0
_FULL = {errno.ENOSPC, errno.EDQUOT}


class KeptAccount:
    """The account of this process."""

    def __init__(self, folder: Path) -> None:
        """Take up what the folder holds; moto must have been patched otherwise before.

        Raises:
            KeptFolderError: the folder cannot be used.

        """
        self._ledger = Ledger(folder)
        try:
            self._holders = [holder(self._ledger) for holder in (Items, Objects, Uploads, Messages, Keys)]
        except (AssertionError, AttributeError, LookupError, TypeError, ValueError, sqlite3.Error) as error:
            raise KeptFolderError(
                f"{folder} holds an entry that cannot be read ({type(error).__name__}: {error}): choose another folder."
            ) from None
        self._pending: dict[Place, Entry] = {}
        self._as_of = now_ms()
        self._trouble: str | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep_on, name="kept", daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def close(self) -> str | None:
        """Keep the rest, and end; returns why it is not kept, as a sentence; None: it is."""
        self._ending.set()
        self._thread.join()
        self.keep()
        self._ledger.close()
        return self._trouble

    def state(self) -> dict[str, Any]:
        """How it goes, as JSON: the moment up to which everything is on disk, epoch milliseconds, and what is wrong."""
        return {"as_of": self._as_of, "trouble": self._trouble}

    def keep(self) -> None:
        """Write what has changed. If that cannot be done, it is tried again with the next changes."""
        try:
            with TURN:
                now = now_ms()
                for holder in self._holders:
                    self._pending |= {entry.place: entry for entry in holder.changes()}
            if self._pending:
                self._ledger.write(self._pending.values())
        except Exception as error:  # noqa: BLE001 - the account is served all the same, and the next round tries again
            self._complain(error)
        else:
            self._pending.clear()
            self._as_of, self._trouble = now, None

    def _keep_on(self) -> None:
        while not self._ending.wait(EVERY_SECONDS):
            self.keep()

    def _complain(self, error: Exception) -> None:
        full = getattr(error, "errno", None) in _FULL or getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        what = "The disk is full: make room" if full else f"It cannot be written ({type(error).__name__}: {error})"
        trouble = f"{self._ledger.folder} does not keep what happens now. {what}; what was kept before is safe there."
        if trouble != self._trouble:
            sys.stderr.write(f"{trouble}\n")
        self._trouble = trouble
