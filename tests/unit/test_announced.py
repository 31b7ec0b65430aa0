"""How `--local` finds the system that runs on this machine."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from services.cli import local as local_command
from services.cli.api import connection
from services.cli.api.login_store import Connection
from services.cli.errors import RefusedError
from services.local import announced as announced_module
from services.local.announced import announced
from services.local.kept_folder import KeptFolder
from services.local.serve import told
from services.local.stack import Stack, StackSettings

HERE = Connection(url="http://127.0.0.1:1", key="key_one")
THERE = Connection(url="http://127.0.0.1:2", key="key_two")
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_it_is_found_while_it_runs_by_its_owner_only_and_not_afterwards() -> None:
    with announced(HERE) as other:
        assert other is None
        assert connection.local() == HERE
        assert stat.S_IMODE(connection.local_file().stat().st_mode) == 0o600
    assert list(connection.local_file().parent.iterdir()) == []
    with pytest.raises(RefusedError, match=r"No local system runs: start one with `transcribe local`, and leave it"):
        connection.local()


def test_of_two_the_first_stays_the_one_that_is_meant_and_the_second_learns_of_it() -> None:
    with announced(HERE):
        with announced(THERE) as other:
            assert other == HERE
            assert connection.local() == HERE
        assert connection.local() == HERE


def test_of_two_that_start_at_the_same_moment_one_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    both_have_looked = threading.Barrier(2)

    def looked() -> Connection | None:
        found = connection.running()
        with suppress(threading.BrokenBarrierError):
            both_have_looked.wait(0.2)
        return found

    monkeypatch.setattr(announced_module, "running", looked)
    both_are_there = threading.Barrier(2)

    def run(here: Connection) -> tuple[Connection | None, Connection]:
        with announced(here) as other:
            both_are_there.wait(10)
            found = connection.local()
            # The one that is meant goes when it ends.
            both_are_there.wait(10)
            return other, found

    with ThreadPoolExecutor() as pool:
        seen = list(pool.map(run, (HERE, THERE)))
    (meant,) = {found for _, found in seen}
    assert {other for other, _ in seen} == {None, meant}


def test_one_that_was_killed_is_found_no_more_and_the_next_takes_its_place() -> None:
    """The program ends without a chance to remove anything, as by a kill."""
    killed = (
        "import os\nfrom services.cli.api.login_store import Connection\n"
        "from services.local.announced import announced\n"
        "with announced(Connection(url='http://127.0.0.1:3', key='k')): os._exit(9)"
    )
    ended = subprocess.run([sys.executable, "-c", killed], cwd=ROOT, check=False)
    assert ended.returncode == 9
    assert json.loads(connection.local_file().read_text())["key"] == "k"
    assert connection.running() is None
    with announced(HERE) as other:
        assert other is None
        assert connection.local() == HERE


@pytest.mark.parametrize("content", ["", "[1]", '{"address": "http://127.0.0.1:1"}', "{"])
def test_one_that_says_otherwise_how_it_is_reached_is_told_in_a_sentence(content: str) -> None:
    with announced(HERE):
        connection.local_file().write_text(content)
        with pytest.raises(RefusedError, match="of another version of this program: end it"):
            connection.local()


def test_what_somebody_else_has_laid_there_is_no_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with announced(HERE):
        with monkeypatch.context() as another_user:
            another_user.setattr(os, "geteuid", lambda: os.getuid() + 1)
            assert connection.running() is None
        connection.local_file().rename(tmp_path / "elsewhere")
        connection.local_file().symlink_to(tmp_path / "elsewhere")
        assert connection.running() is None
        connection.local_file().unlink()
        # Nobody writes into this one, so whoever opens it for reading waits.
        os.mkfifo(connection.local_file())
        assert connection.running() is None


def test_without_what_it_needs_one_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_command, "find_spec", lambda name: None if name == "moto" else object())
    with pytest.raises(RefusedError, match=r"not installed here: run `pip install '\.\[local\]'` in the repository\."):
        local_command.local()


def test_the_options_reach_the_program_and_a_folder_that_begins_with_a_dash_is_a_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[tuple[Sequence[str], Any]] = []
    monkeypatch.setattr(os, "execve", lambda _, words, environment: ran.append((words, environment)))
    local_command.local(Path("-kept"), cors_origin=["http://a", "http://b"], model="m", models_folder=Path("models"))
    ((words, environment),) = ran
    assert words[2:] == [
        "services.local.serve",
        *("--model=m", "--models-folder=models", "--cors-origin=http://a", "--cors-origin=http://b"),
        *("--", "-kept"),
    ]
    # Not from the folder in which the user stands.
    assert environment["PYTHONSAFEPATH"] == "1"
    assert environment["PYTHONPATH"].split(os.pathsep)[0] == str(ROOT)


def test_what_is_printed_says_where_things_are_kept_or_that_they_are_not(tmp_path: Path) -> None:
    with KeptFolder(tmp_path / "kept") as kept:
        assert f"are kept in {tmp_path / 'kept'}." in _printed(StackSettings(kept=kept))
    assert "Nothing is kept" in _printed(StackSettings())


def _printed(settings: StackSettings) -> str:
    stack = Stack(settings)
    stack.api_url, stack.endpoint, stack.logs = "http://api", "http://aws", Path("logs")
    stack.resources = type("Resources", (), {"secrets_key_id": "key"})()
    return told(stack, "key_one")
