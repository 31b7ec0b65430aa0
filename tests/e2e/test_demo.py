"""What README lets everybody type first: a program on a terminal, its text, its files and its exit status."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from services.gpu_worker.engine.decode.catalogue import PACKAGED
from services.local.client import Client
from services.local.demo import Shipment, watch
from services.local.display import Display
from services.local.processes import LAST_LINES, StackFailedError
from services.local.receiver import Receiver
from services.local.stack import MAX_FAILED_MACHINES, Stack
from tests.support.audio import MEETING

ROOT = Path(__file__).parents[2]
Demo = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    """The demo, as `./nox -s demo` starts it from `tmp_path`."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "services.local.demo", "--folder", str(tmp_path), *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)

    return run


def test_a_bad_file_ends_with_its_code_and_status_1_and_the_good_one_with_its_text(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "kort.mp3").write_bytes(MEETING.read_bytes()[:60_000])
    (tmp_path / "bad å+.mp3").write_text("Detta är ingen ljudfil.\n" * 50, "utf-8")
    done = demo("kort.mp3", "bad å+.mp3")
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.count("INVALID_MEDIA") == 1
    assert "bad å+.mp3" in done.stdout
    assert len(re.findall(r"^webhook .*: signature verified$", done.stdout, re.MULTILINE)) == 2
    (written,) = tmp_path.glob("transcription_*.txt")
    assert written.read_text("utf-8").strip()
    assert f"file     {written}" in done.stdout
    assert "Production uses KBLab/kb-whisper-small" in done.stdout


def test_with_open_the_page_is_opened_and_the_system_goes_on_until_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "kort.mp3").write_bytes(MEETING.read_bytes()[:60_000])
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >{opened}\n')
    browser.chmod(0o755)
    command = [sys.executable, "-m", "services.local.demo", "--folder", str(tmp_path), "--open", "kort.mp3"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"BROWSER": f"{browser} %s"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stdout
        told = dict[str, str]()
        for line in demo.stdout:
            name, _, rest = line.strip().partition(" ")
            told[name] = rest.strip()
            if name == "Ctrl-C":
                break
        seen = httpx.get(f"{told['page']}api/jobs", headers={"Authorization": f"Bearer {told['key']}"}).json()
        assert [job["file_name"] for job in seen["jobs"]] == ["kort.mp3"]
        assert httpx.get(told["page"]).headers["content-type"] == "text/html; charset=utf-8"
        os.killpg(demo.pid, signal.SIGINT)
        assert demo.wait(timeout=60) == 0
    assert opened.read_text().strip() == told["page"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["saknas.mp3"], "There is no file"),
        (["--model", "nobody/knows"], "Unknown model nobody/knows"),
        (["--models-folder", "."], "The model KBLab/kb-whisper-small lacks model.bin"),
        (["--models-folder", ".", "--model", PACKAGED], f"The model {PACKAGED} lacks model.bin"),
    ],
    ids=["no file", "no model", "no model of production in a folder", "no named model in a folder"],
)
def test_what_cannot_be_read_is_told_at_once_with_status_2(demo: Demo, arguments: list[str], told: str) -> None:
    done = demo(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert told in done.stdout
    assert "Starting" not in done.stdout


def watched(stack: Stack) -> None:
    """Send a file and wait for its text."""
    path = Path("kort.mp3")
    with Receiver() as receiver:
        shipment = Shipment(path, Client(stack, "demo").send(MEETING.read_bytes()[:60_000], path.name))
        watch(stack, receiver, [shipment], Display(Console(quiet=True)))


def test_a_part_of_the_system_that_died_is_told_instead_of_waited_for() -> None:
    with Stack() as stack:
        stack._processes._running["orchestrator"].kill()
        with pytest.raises(StackFailedError, match=r"^The orchestrator ended with status -9\. The last lines"):
            watched(stack)


def test_workers_that_cannot_run_here_are_told_with_the_end_of_their_log(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "worker.log"
    log.write_text("\n".join([*("line" for _ in range(LAST_LINES)), "no such instruction"]))
    monkeypatch.setattr(stack.machines, "failed", [log] * MAX_FAILED_MACHINES)
    with pytest.raises(StackFailedError, match=r"no such instruction$") as told:
        watched(stack)
    assert str(told.value).count("line\n") == LAST_LINES - 1
