"""What a killed worker left in its work folder is cleaned at the next start; what a living one has is never touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.gpu_worker.machine import stale_folders
from services.gpu_worker.machine.preflight import UnfitError
from services.gpu_worker.machine.work_folder import WorkFolder

ROOT = Path(__file__).parents[2]
WORKER = """
import pathlib, sys
from services.common import logs
from services.gpu_worker.machine import stale_folders
from services.gpu_worker.machine.work_folder import WorkFolder

logs.configure("info")
parent = pathlib.Path(sys.argv[1])
stale_folders.clean(parent)
with WorkFolder.make(parent) as folder, folder.part() as part:
    (part / "recording").write_bytes(bytes(int(sys.argv[2])))
    print(folder.path, flush=True)
    sys.stdin.read()
"""
BYTES = 300_000


class Living:
    """A worker's process that works on a recording until it is told to end, or killed."""

    def __init__(self, parent: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(parent), str(BYTES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        assert self._process.stdout
        self.folder = Path(self._process.stdout.readline().strip())

    @property
    def recordings(self) -> list[Path]:
        return list(self.folder.glob("part-*/recording"))

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._end()

    def end(self) -> str:
        """Let it end by itself; returns what it logged."""
        return self._end()

    def _end(self) -> str:
        _, logged = self._process.communicate(timeout=30)
        return logged


@contextmanager
def living(parent: Path, count: int) -> Iterator[list[Living]]:
    """So many at once, all of which begin together."""
    with ThreadPoolExecutor(count) as pool:
        workers = list(pool.map(Living, [parent] * count))
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()


def test_what_a_killed_worker_left_is_gone_after_the_next_start_and_the_log_says_how_much(tmp_path: Path) -> None:
    killed = Living(tmp_path)
    killed.kill()
    assert killed.recordings, "nothing was left, so nothing is proved"
    next_one = Living(tmp_path)
    assert list(tmp_path.iterdir()) == [next_one.folder]
    (line,) = [json.loads(line) for line in next_one.end().splitlines()]
    assert (line["event"], line["count"]) == ("work_folder.cleaned", 1)
    assert BYTES <= line["bytes"] <= BYTES + 20_000


def test_a_worker_that_ends_leaves_nothing_and_one_that_begins_on_a_clean_disk_says_nothing(tmp_path: Path) -> None:
    worker = Living(tmp_path)
    assert worker.recordings
    assert worker.end() == ""
    assert list(tmp_path.iterdir()) == []


def test_workers_of_one_machine_never_clean_each_others_folders_only_those_of_the_killed(tmp_path: Path) -> None:
    with living(tmp_path, 4) as workers:
        assert len({worker.folder for worker in workers}) == 4
        workers[0].kill()
        workers[1].kill()
        with living(tmp_path, 3) as others:
            assert set(tmp_path.iterdir()) == {worker.folder for worker in (*workers[2:], *others)}
            assert all(worker.recordings for worker in (*workers[2:], *others))


def test_two_who_begin_at_once_get_a_folder_each_whatever_they_clean(tmp_path: Path) -> None:
    def begin(_: int) -> WorkFolder:
        stale_folders.clean(tmp_path)
        return WorkFolder.make(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(begin, range(200)))
    assert {folder.path for folder in made} == set(tmp_path.iterdir())
    for folder in made:
        folder.__exit__()


def test_a_folder_whose_removal_was_cut_short_is_removed_by_the_next(tmp_path: Path) -> None:
    empty = tmp_path / f"{stale_folders.PREFIX}empty"
    half = tmp_path / f"{stale_folders.PREFIX}half"
    for folder in (empty, half):
        folder.mkdir()
    (half / stale_folders.LOCK).touch()
    stale_folders.clean(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_else_in_the_folder_for_recordings_is_touched_nor_what_a_link_points_to(tmp_path: Path) -> None:
    others, elsewhere = tmp_path / "lost+found", tmp_path / "elsewhere"
    for folder in (others, elsewhere):
        folder.mkdir()
        (folder / stale_folders.LOCK).touch()
        (folder / "mine").touch()
    (tmp_path / f"{stale_folders.PREFIX}link").symlink_to(elsewhere)
    (tmp_path / f"{stale_folders.PREFIX}file").touch()
    foreign = tmp_path / f"{stale_folders.PREFIX}foreign"
    foreign.mkdir()
    (foreign / "kept").touch()  # no lock: nobody's folder that we know
    before = set(tmp_path.rglob("*"))
    stale_folders.clean(tmp_path)
    assert set(tmp_path.rglob("*")) == before


def test_a_folder_of_another_user_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / f"{stale_folders.PREFIX}theirs"
    folder.mkdir()
    (folder / stale_folders.LOCK).touch()
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    stale_folders.clean(tmp_path)
    assert folder.is_dir()


def test_where_there_is_no_folder_nothing_is_cleaned_and_none_can_be_made(tmp_path: Path) -> None:
    stale_folders.clean(tmp_path / "missing")
    with pytest.raises(UnfitError, match="takes nothing"):
        WorkFolder.make(tmp_path / "missing")
