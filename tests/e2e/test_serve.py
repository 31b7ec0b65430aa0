"""The system that one keeps up beside an editor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PAGE = "http://localhost:5173"


@pytest.fixture
def serving() -> Iterator[subprocess.Popen[str]]:
    """As `./nox -s local -- --cors-origin …` starts it."""
    command = [sys.executable, "-m", "services.local.serve", "--cors-origin", PAGE]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_what_it_prints_lets_the_command_line_and_the_examples_use_it_and_being_told_to_end_it_ends_well(
    serving: subprocess.Popen[str],
) -> None:
    assert serving.stdout
    told = dict[str, str]()
    while (line := serving.stdout.readline()).startswith("export "):
        name, value = line.removeprefix("export ").strip().split("=", 1)
        told[name] = value
    listed = subprocess.run(
        [sys.executable, "-m", "services.cli.main", "clients", "list"],
        cwd=ROOT,
        env=os.environ | told,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "local" in listed.stdout, listed.stderr
    key = {"Authorization": f"Bearer {told['TRANSCRIBE_KEY']}"}
    reply = httpx.get(f"{told['TRANSCRIBE_URL']}/api/jobs", headers={**key, "Origin": PAGE})
    assert reply.json()["jobs"] == []
    assert reply.headers["access-control-allow-origin"] == PAGE
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(timeout=30) == 0
