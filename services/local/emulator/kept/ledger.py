"""A kept account on disk: entries in one SQLite file, and one file for the content of each object.

What is written together is there together after a crash, or none of it. Nothing that is read from the folder is run:
entries are JSON, and contents are files whose names are numbers.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

FILE, CONTENTS, LOCK = "account.sqlite3", "contents", "lock"
OURS = {FILE, f"{FILE}-journal", CONTENTS, LOCK}
APPLICATION = 0x5452414E
"""SQLite's `application_id` of such a file: `TRAN` in ASCII."""
VERSION = 1
"""SQLite's `user_version`; a program reads no other than its own."""
SCHEMA = """
CREATE TABLE entries (
    kind TEXT NOT NULL, holder TEXT NOT NULL, name TEXT NOT NULL, about TEXT NOT NULL, content INTEGER UNIQUE,
    PRIMARY KEY (kind, holder, name)
)"""
SETTING = "setting"


class KeptFolderError(Exception):
    """A folder cannot be used to keep an account in; the message is a sentence."""


class Place(NamedTuple):
    """Of an entry."""

    kind: str
    holder: str
    """The table, bucket or queue that it belongs to."""
    name: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something to write."""

    place: Place
    about: Any | None
    """JSON; None: there is no such entry any more."""
    content: Callable[[IO[bytes]], object] | None = None
    """Writes the content into a file; None: the entry has none, or the one that was written before stays."""


class Read(NamedTuple):
    """An entry that was read."""

    holder: str
    name: str
    about: Any
    content: Path | None


def make(folder: Path) -> None:
    """Make a folder that is missing.

    Raises:
        KeptFolderError: it is there, and holds something else.
        OSError: it cannot be made or read.

    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = {path.name for path in folder.iterdir()}
    # Contents without entries would be removed as what a crash has left, and these may be anybody's.
    contents = FILE not in names and any((folder / CONTENTS).glob("*"))
    if contents or not names <= OURS:
        raise KeptFolderError(
            f"{folder} holds other files: choose a new or empty folder, or one that an earlier run has made."
        )


class Ledger:
    """The entries of one folder. At most one program at a time may use it; it may be used by one thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Open the folder, which is made if it is missing.

        Raises:
            KeptFolderError: it cannot be used.

        """
        self.folder = folder
        try:
            self._make()
            self._db = sqlite3.connect(folder / FILE, check_same_thread=False)
            self._check()
            used = {number for (number,) in self._db.execute("SELECT content FROM entries WHERE content NOT NULL")}
            self._remove_all_but(used)
        except sqlite3.OperationalError as error:
            raise KeptFolderError(
                f"{folder} cannot be used ({error}): choose a folder that you may write to."
            ) from None
        except (UnicodeDecodeError, sqlite3.DatabaseError) as error:
            # The first comes where SQLite's own message shows a piece of the file.
            raise self._unreadable(error) from None
        except OSError as error:
            reason = error.strerror or error
            raise KeptFolderError(
                f"{folder} cannot be used ({reason}): choose a folder that you may write to."
            ) from None
        self._next = max(used, default=0) + 1
        self._replaced: list[int] = []

    def close(self) -> None:
        self._db.close()

    def read(self, kind: str) -> Iterator[Read]:
        """Every entry of a kind, in the order in which they were written first.

        Raises:
            KeptFolderError: one cannot be read, since somebody or a broken disk has changed the file.

        """
        asked = "SELECT holder, name, about, content FROM entries WHERE kind = ? ORDER BY rowid"
        try:
            for holder, name, about, content in self._db.execute(asked, (kind,)):
                yield Read(holder, name, json.loads(about), None if content is None else self._path(content))
        except (TypeError, ValueError, sqlite3.Error) as error:
            raise self._unreadable(error) from None

    def settings(self) -> dict[str, Any]:
        """What the folder's owner has put down, by name."""
        return {entry.name: entry.about for entry in self.read(SETTING)}

    def put_down(self, **settings: object) -> None:
        self.write(Entry(place=Place(SETTING, "", name), about=value) for name, value in settings.items())

    def write(self, entries: Iterable[Entry]) -> None:
        """Write entries, all or none; they are on disk when this returns.

        Raises:
            OSError, sqlite3.Error: they could not be written, as if the disk is full.

        """
        # Whoever was reading what the last write replaced has had time to finish.
        while self._replaced:
            self._path(self._replaced[-1]).unlink(missing_ok=True)
            self._replaced.pop()
        written: list[int] = []
        replaced: list[int] = []
        try:
            # Rolled back if anything fails.
            with self._db:
                for entry in entries:
                    if entry.content is not None or entry.about is None:
                        replaced += self._content_of(entry.place)
                    self._write(entry, written)
                if written:
                    _sync(self.folder / CONTENTS)
        except BaseException:
            for number in written:
                with suppress(OSError):
                    self._path(number).unlink(missing_ok=True)
            raise
        self._replaced = replaced

    def _write(self, entry: Entry, written: list[int]) -> None:
        if entry.about is None:
            self._db.execute("DELETE FROM entries WHERE kind = ? AND holder = ? AND name = ?", entry.place)
            return
        number = None
        if entry.content is not None:
            number, self._next = self._next, self._next + 1
            written.append(number)
            with os.fdopen(_private(self._path(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
                entry.content(file)
                file.flush()
                os.fsync(file.fileno())
        self._db.execute(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET about = excluded.about, content = coalesce(excluded.content, content)",
            (*entry.place, json.dumps(entry.about, ensure_ascii=False), number),
        )

    def _content_of(self, place: Place) -> list[int]:
        found = self._db.execute(
            "SELECT content FROM entries WHERE kind = ? AND holder = ? AND name = ? AND content NOT NULL", place
        )
        return [number for (number,) in found]

    def _unreadable(self, error: Exception) -> KeptFolderError:
        return KeptFolderError(f"{self.folder / FILE} cannot be read ({error}): choose another folder.")

    def _make(self) -> None:
        make(self.folder)
        (self.folder / CONTENTS).mkdir(mode=0o700, exist_ok=True)
        # SQLite would let others read the file, which holds keys.
        os.close(_private(self.folder / FILE, os.O_RDWR | os.O_CREAT))

    def _check(self) -> None:
        """Check that the file is of this program and version; a new one becomes so."""
        self._db.execute("PRAGMA trusted_schema = OFF")
        ((application,),) = self._db.execute("PRAGMA application_id")
        ((version,),) = self._db.execute("PRAGMA user_version")
        ((tables,),) = self._db.execute("SELECT count(*) FROM sqlite_schema")
        if not (application or version or tables):
            self._db.executescript(
                f"BEGIN; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; {SCHEMA}; COMMIT"
            )
        elif application != APPLICATION:
            raise KeptFolderError(f"{self.folder / FILE} is a file of another program: choose another folder.")
        elif version != VERSION:
            raise KeptFolderError(
                f"{self.folder} was written by another version of this program (its format is {version}, this one's is "
                f"{VERSION}): use that version, or choose another folder."
            )

    def _remove_all_but(self, used: set[int]) -> None:
        """Remove contents that a crash has left without an entry, and check that none is missing."""
        there = {path.name for path in (self.folder / CONTENTS).iterdir()}
        for name in there - {str(number) for number in used}:
            (self.folder / CONTENTS / name).unlink()
        if missing := {str(number) for number in used} - there:
            raise KeptFolderError(
                f"{self.folder / CONTENTS} lacks {len(missing)} of its files, such as {min(missing)}: somebody removed "
                "them. Put them back, or choose another folder."
            )

    def _path(self, number: int) -> Path:
        return self.folder / CONTENTS / str(int(number))


def _private(path: Path, flags: int) -> int:
    """Open a file that only its owner may read, and follow no link that somebody has laid there."""
    return os.open(path, flags | os.O_NOFOLLOW, mode=0o600)


def _sync(folder: Path) -> None:
    """Have the names of new files on disk too."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
