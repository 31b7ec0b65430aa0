"""What the first second of a machine needs is seen once, and brought in at every boot."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from services.gpu_worker.machine import read_ahead

MIB = 1 << 20


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A large file and a small one that a command will read of, and one that it will not."""
    folder = tmp_path / "files"
    (folder / "deep").mkdir(parents=True)
    (folder / "large").write_bytes(b"x" * (5 * MIB + 10))
    (folder / "deep" / "small").write_bytes(b"y" * 10)
    (folder / "unread").write_bytes(b"z" * MIB)
    (folder / "empty").touch()
    (folder / "link").symlink_to(folder / "large")
    return folder


def reading(folder: Path) -> list[str]:
    """A command that reads a little in the middle of the large file, where nothing is read ahead of the first piece."""
    program = (
        "import os, sys; large = os.open(sys.argv[1] + '/large', os.O_RDONLY); "
        "os.posix_fadvise(large, 0, 0, os.POSIX_FADV_RANDOM); os.pread(large, 1, 3 << 20); "
        "open(sys.argv[1] + '/deep/small').read()"
    )
    return [sys.executable, "-c", program, str(folder)]


def test_what_a_command_reads_is_recorded_by_pieces_and_small_files_come_first(files: Path) -> None:
    found = read_ahead.record([files], reading(files))
    assert found == [(str(files / "deep" / "small"), 0, 10), (str(files / "large"), 3 * MIB, MIB)]


def test_a_command_that_fails_is_not_recorded(files: Path, tmp_path: Path) -> None:
    wanted = tmp_path / "list"
    command = [str(wanted), "--record", "--folder", str(files), "--", sys.executable, "-c", "exit(3)", "--", "-x"]
    assert read_ahead.main(command) == 3
    assert not wanted.exists()


def test_what_was_recorded_lies_in_memory_once_it_was_read_ahead(files: Path, tmp_path: Path) -> None:
    wanted = tmp_path / "list"
    assert read_ahead.main([str(wanted), "--record", "--folder", str(files), "--", *reading(files)]) == 0
    read_ahead.record([files], ["true"])
    assert read_ahead.resident(files / "large") == []
    done = subprocess.run(
        [sys.executable, "-m", "services.gpu_worker.machine.read_ahead", wanted],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "read_ahead: 1 MiB read\n"
    assert (str(files / "large"), 3 * MIB, MIB) in read_ahead.resident(files / "large")


def test_what_was_read_before_anybody_looked_is_named_and_comes_first(files: Path, tmp_path: Path) -> None:
    wanted = tmp_path / "list"
    named = [str(wanted), "--record", "--file", str(files / "unread"), "--folder", str(files)]
    assert read_ahead.main([*named, "--", *reading(files)]) == 0
    assert read_ahead.read_list(wanted)[0] == (str(files / "unread"), 0, MIB)


@pytest.mark.parametrize("what", ["gone", "deep"], ids=["gone", "a folder"])
def test_what_cannot_be_read_keeps_nothing_else_from_being_read(files: Path, what: str) -> None:
    pieces = [(str(files / what), 0, 10), *read_ahead.of_folder(files)]
    assert read_ahead.touch(pieces) == sum(path.stat().st_size for path in files.iterdir() if path.is_file())


def test_nothing_more_is_read_once_it_is_told_to_stop(files: Path) -> None:
    over = threading.Event()
    over.set()
    assert read_ahead.touch(read_ahead.of_folder(files), over) == 0
