"""The system that one keeps up beside an editor, and its folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from services.cli.api import connection
from services.cli.api.login_store import Connection
from services.cli.errors import RefusedError
from services.local.client import Client
from tests.support.audio import MEETING

ROOT = Path(__file__).parents[2]
PAGE = "http://localhost:5173"
SOME_SECONDS = MEETING.read_bytes()[:200_000]
END_SECONDS = 30


class Serving:
    """`transcribe local`, as a terminal starts it: in a group of processes of its own."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", "local", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.told = dict[str, str]()
        """What a shell would know after it has read the output."""
        self.lines: list[str] = []
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith("export "):
                name, value = line.removeprefix("export ").strip().split("=", 1)
                self.told[name] = value
            if line.startswith("# Ctrl-C"):
                break
        self.api_url = self.told.get("TRANSCRIBE_URL", "")

    def new_client(self, _: str) -> str:
        return self.told["TRANSCRIBE_KEY"]

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal to all its processes, as a terminal does; returns the exit status and standard error."""
        os.killpg(self.process.pid, number)
        _, errors = self.process.communicate(timeout=END_SECONDS)
        return self.process.returncode, errors

    def lose_power(self) -> None:
        """Kill all processes, machines too, which are no part of the group."""
        for number in _family(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.process.communicate()


def _family(number: int) -> list[int]:
    children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
    return [number, *(member for child in children for member in _family(int(child)))]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Serving]]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    started: list[Serving] = []

    def serving(*arguments: str) -> Serving:
        started.append(Serving(*arguments))
        return started[-1]

    yield serving
    for one in started:
        if one.process.poll() is None:
            one.lose_power()


def transcribe(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", *words],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_it_prints_lets_the_command_line_and_the_examples_use_it_and_ctrl_c_ends_it_well(
    start: Callable[..., Serving],
) -> None:
    serving = start("--cors-origin", PAGE)
    # A shell reads all of it: what is for people is a comment.
    assert all(line.startswith(("export ", "#")) for line in serving.lines)
    listed = transcribe("clients", "list", **serving.told)
    assert "local" in listed.stdout, listed.stderr
    key = {"Authorization": f"Bearer {serving.told['TRANSCRIBE_KEY']}"}
    reply = httpx.get(f"{serving.api_url}/api/jobs", headers={**key, "Origin": PAGE})
    assert reply.json()["jobs"] == []
    assert reply.headers["access-control-allow-origin"] == PAGE
    assert httpx.get(f"{serving.api_url}/api/docs").is_success
    asked = transcribe("jobs", "--local", "--json")
    assert (asked.returncode, asked.stdout.split()) == (0, ["[]"]), asked
    assert serving.end(signal.SIGINT) == (0, "")
    with pytest.raises(RefusedError, match="No local system runs"):
        connection.local()


def test_a_job_that_was_running_when_the_power_went_is_done_after_the_next_start_at_the_same_address_with_the_same_key(
    start: Callable[..., Serving], tmp_path: Path
) -> None:
    kept = str(tmp_path / "kept")
    first = start(kept)
    client = Client(first, "local")
    job_id = client.send(SOME_SECONDS, "möte.mp3")
    client.wait(job_id, until={"running"})
    first.lose_power()
    # Its file is still there, and nobody waits for an answer that cannot come.
    assert connection.local_file().exists()
    began = time.monotonic()
    with pytest.raises(RefusedError, match="No local system runs"):
        connection.local()
    assert time.monotonic() - began < 1

    second = start(kept)
    assert second.told == first.told
    assert connection.local() == Connection(url=first.api_url, key=first.new_client(""))
    refused = transcribe("local", kept)
    assert refused.returncode == 3
    assert f"{kept} is in use by another local system (process {second.process.pid})" in refused.stderr
    assert client.wait(job_id, seconds=150)["status"] == "completed"
    assert client.transcript(job_id).startswith("Välkommen")
    assert second.end(signal.SIGTERM) == (0, "")


def test_a_folder_that_cannot_be_used_is_one_sentence(start: Callable[..., Serving], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    refused = transcribe("local", str(tmp_path))
    assert (refused.returncode, refused.stdout) == (3, "")
    remedy = "choose a new or empty folder, or one that an earlier run has made."
    assert refused.stderr == f"transcribe: {tmp_path} holds other files: {remedy}\n"
