"""An upload in parts that is killed, and finished by the same command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from services.local.client import Client
from services.local.stack import Stack

SIZE = 101_000_000
MIDDLE = 40_000_000
"""Four parts are on their way at a time; by then at least one has arrived."""
PART = 8 << 20
STOPS_IN_THE_MIDDLE = f"""
import sys
import threading
from services.cli.main import main
from services.cli.recordings.upload.parts import Tally

count = Tally.sent

def sent(tally, number, size):
    count(tally, number, size)
    if sum(tally._sent.values()) > {MIDDLE}:
        sys.stdout.write("in the middle\\n")
        sys.stdout.flush()
        threading.Event().wait()

Tally.sent = sent
main()
"""
"""The program, which goes no further than that with an upload in parts, and holds all of its threads there."""


def test_an_upload_that_was_killed_in_the_middle_is_finished_by_the_same_command_with_the_same_job(
    stack: Stack, tmp_path: Path
) -> None:
    recording = tmp_path / "meeting.wav"
    with recording.open("wb") as file:
        file.truncate(SIZE)
    owner = Client(stack, "killed-upload")
    key = owner.http.headers["authorization"].removeprefix("Bearer ")
    arguments = ["send", str(recording), "--no-wait", "--api", stack.api_url, "--key", key]
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")}

    killed = [sys.executable, "-c", STOPS_IN_THE_MIDDLE, *arguments]
    with subprocess.Popen(killed, stdout=subprocess.PIPE, text=True, env=environment) as program:
        assert program.stdout
        told = program.stdout.readline()
        program.kill()
    assert told == "in the middle\n"
    (begun,) = owner.http.get("/api/jobs").json()["jobs"]
    assert begun["status"] == "awaiting_upload"
    there = owner.links(begun["job_id"])["received"]

    again = [sys.executable, "-m", "services.cli.main", *arguments]
    done = subprocess.run(again, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{begun['job_id']}\n"
    assert f"Going on with the upload of {recording}" in done.stderr
    assert 0 < len(there) * PART < SIZE
    (job,) = owner.http.get("/api/jobs").json()["jobs"]
    assert job["job_id"] == begun["job_id"]
    # Zeros are no sound, so the machine has no work with them.
    assert owner.wait(begun["job_id"])["error"]["code"] == "INVALID_MEDIA"
