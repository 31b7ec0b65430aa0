"""The folder of a kept account: a write is there as a whole or not at all, and what is no such folder is left alone."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from services.local.emulator.kept.ledger import CONTENTS, FILE, Entry, KeptFolderError, Ledger, Place
from services.local.kept_folder import Addresses, KeptFolder
from tests.support.emulator import ROOT


def test_what_cannot_be_written_as_a_whole_leaves_all_as_it_was_and_can_be_written_later(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "kept")
    first = Entry(place=Place("object", "b", "1"), about={"n": 1}, content=lambda file: file.write(b"first"))
    ledger.write([first])

    def full(_: Any) -> None:
        raise OSError(28, "No space left on device")

    second = Entry(place=Place("object", "b", "2"), about={}, content=lambda file: file.write(b"second"))
    changed = Entry(place=first.place, about={"n": 2}, content=lambda file: file.write(b"changed"))
    with pytest.raises(OSError, match="No space"):
        ledger.write([second, changed, Entry(place=Place("object", "b", "3"), about={}, content=full)])
    (kept,) = ledger.read("object")
    assert (kept.name, kept.about, kept.content and kept.content.read_bytes()) == ("1", {"n": 1}, b"first")
    assert len(list((tmp_path / "kept" / CONTENTS).iterdir())) == 1
    ledger.write([second, changed])
    assert [entry.about for entry in ledger.read("object")] == [{"n": 2}, {}]
    ledger.close()


def test_a_kill_in_the_middle_of_writing_leaves_the_last_whole_write(tmp_path: Path) -> None:
    """A program writes three objects and an item together, again and again, each time with the next number."""
    write = (
        "import itertools, sys\nfrom pathlib import Path\n"
        "from services.local.emulator.kept.ledger import Entry, Ledger, Place\n"
        "ledger = Ledger(Path('kept'))\n"
        "for number in itertools.count(sum(entry.about for entry in ledger.read('item'))):\n"
        "    content = lambda file: file.write(b'%d' % number * 20_000)\n"
        "    objects = [Entry(place=Place('object', 'b', n), about=number, content=content) for n in 'xyz']\n"
        "    ledger.write([*objects, Entry(place=Place('item', 't', 'i'), about=number)])\n"
        "    print(number, flush=True)\n"
    )
    latest = 0
    for wait in range(1, 9):
        writing = subprocess.Popen(
            [sys.executable, "-c", write],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writing.stdout
        told = [int(writing.stdout.readline()) for _ in range(2)]
        time.sleep(wait * 0.003)  # so that the kill comes at another place each time
        writing.kill()
        told += map(int, writing.communicate()[0].split())
        with closing(Ledger(tmp_path / "kept")) as ledger:
            (item,) = ledger.read("item")
            objects = list(ledger.read("object"))
            assert item.about in {told[-1], told[-1] + 1}
            assert [entry.about for entry in objects] == [item.about] * 3
            contents = [entry.content.read_bytes() for entry in objects if entry.content]
            assert contents == [b"%d" % item.about * 20_000] * 3
        assert item.about > latest
        latest = item.about


def test_what_a_crash_left_half_done_is_removed_and_what_is_missing_is_said(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path)) as ledger:
        ledger.write([Entry(place=Place("object", "b", "1"), about={}, content=lambda file: file.write(b"x"))])
    (tmp_path / CONTENTS / "7").write_bytes(b"never finished")
    with closing(Ledger(tmp_path)):
        assert [path.name for path in (tmp_path / CONTENTS).iterdir()] == ["1"]
    (tmp_path / CONTENTS / "1").unlink()
    with pytest.raises(KeptFolderError, match=r"lacks 1 of its files, such as 1: somebody removed them\."):
        Ledger(tmp_path)


def test_only_its_owner_can_read_a_kept_account(tmp_path: Path) -> None:
    os.umask(os.umask(0o022))
    with KeptFolder(tmp_path / "kept"):
        pass
    for path in [tmp_path / "kept", *(tmp_path / "kept").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_folder_remembers_its_key_and_its_addresses(tmp_path: Path) -> None:
    with KeptFolder(tmp_path / "kept") as folder:
        key = folder.api_key
        folder.remember(Addresses(api=1, aws=2))
    with KeptFolder(tmp_path / "kept") as folder:
        assert (folder.api_key, folder.addresses) == (key, Addresses(api=1, aws=2))


def test_a_folder_in_use_is_refused_until_nobody_that_holds_it_lives(tmp_path: Path) -> None:
    """The emulator inherits the lock, and may live on for a moment."""
    with KeptFolder(tmp_path / "kept") as folder:
        heir = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=[folder.lock]
        )
        with pytest.raises(KeptFolderError, match=f"in use by another local system .process {os.getpid()}."):
            KeptFolder(tmp_path / "kept")
    with pytest.raises(KeptFolderError, match="in use"):
        KeptFolder(tmp_path / "kept")
    heir.communicate()
    with KeptFolder(tmp_path / "kept"):
        pass


def _foreign_files(folder: Path) -> None:
    (folder / "thesis.txt").write_text("mine")


def _foreign_contents(folder: Path) -> None:
    """As of a book, whose files lie in a folder of this name."""
    (folder / CONTENTS).mkdir()
    (folder / CONTENTS / "1").write_text("mine")


def _other_program(folder: Path) -> None:
    with closing(sqlite3.connect(folder / FILE)) as database:
        database.execute("CREATE TABLE songs (name TEXT)")


def _other_version(folder: Path) -> None:
    Ledger(folder).close()
    with closing(sqlite3.connect(folder / FILE)) as database:
        database.execute("PRAGMA user_version = 99")


def _no_database(folder: Path) -> None:
    (folder / FILE).write_bytes(b"something else " * 100)


def _link(folder: Path) -> None:
    (folder.parent / "elsewhere").write_bytes(b"")
    (folder / FILE).symlink_to(folder.parent / "elsewhere")


def _torn_entry(folder: Path) -> None:
    KeptFolder(folder).__exit__()
    with closing(sqlite3.connect(folder / FILE)) as database, database:
        database.execute("UPDATE entries SET about = '{'")


def _torn_schema(folder: Path) -> None:
    """SQLite's message shows the piece that is wrong, and Python cannot read that as text."""
    KeptFolder(folder).__exit__()
    whole = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(whole.replace(b"tableentries", b"table\xffntries"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_torn_entry, "account.sqlite3 cannot be read .Expecting property name.*: choose another folder"),
        (_torn_schema, "account.sqlite3 cannot be read .*: choose another folder"),
        (_foreign_files, "holds other files: choose a new or empty folder"),
        (_foreign_contents, "holds other files: choose a new or empty folder"),
        (_other_program, "is a file of another program: choose another folder"),
        (_other_version, "was written by another version of this program .its format is 99, this one's is 1."),
        (_no_database, "cannot be read .file is not a database.: choose another folder"),
        (_link, "cannot be used .Too many levels of symbolic links.: choose a folder"),
    ],
)
def test_a_folder_that_is_no_kept_account_is_refused_and_left_alone(
    spoil: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    spoil(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(KeptFolderError, match=said):
        KeptFolder(folder)
    assert before.items() <= {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}.items()


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(KeptFolderError, match=r"file cannot be used \(File exists\): choose a folder"):
        KeptFolder(tmp_path / "file")
