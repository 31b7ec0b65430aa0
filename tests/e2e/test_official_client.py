"""AWS's own command line uploads to the local stack and reads from it, as it does with AWS."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.local.client import Client
from services.local.resources import BUCKET, DEPLOYMENT, TABLE
from services.local.stack import Stack
from tests.support.acoustics import load
from tests.support.audio import MEETING
from tests.support.official_aws import OfficialAws
from tests.support.sounds import RATE, heavier, wav

LARGE_BYTES = 20_000_000
"""From 8 MB on the client uploads in parts of 8 MB, unless it is told otherwise."""

WITHIN_SECONDS = 60.0


@pytest.fixture
def aws(stack: Stack, tmp_path: Path) -> OfficialAws:
    return OfficialAws(stack.endpoint, tmp_path)


def short(path: Path) -> None:
    path.write_bytes(MEETING.read_bytes()[:60_000])


def large(path: Path) -> None:
    speech = (load(MEETING)[: 10 * RATE] * np.iinfo(np.int16).max).astype(np.int16)
    path.write_bytes(heavier(wav(speech), LARGE_BYTES))


def the_job(client: Client) -> dict[str, Any]:
    """The test's only one, ended."""
    until = time.monotonic() + WITHIN_SECONDS
    while not (jobs := client.http.get("/api/jobs").json()["jobs"]):
        assert time.monotonic() < until, "the upload made no job"
        time.sleep(0.1)
    (job,) = jobs
    return client.wait(job["job_id"], seconds=WITHIN_SECONDS)


@pytest.mark.parametrize(("make", "parts"), [(short, 0), (large, 3)])
def test_what_it_uploads_becomes_a_text_that_it_downloads(
    stack: Stack, client: Client, aws: OfficialAws, tmp_path: Path, *, make: Callable[[Path], None], parts: int
) -> None:
    recording = tmp_path / "möte å.mp3"
    make(recording)
    folder = f"s3://{BUCKET}/uploads/{client.client_id}/"
    aws.run("s3", "cp", recording.name, folder)
    day, _, size, name = aws.run("s3", "ls", folder).split(maxsplit=3)
    assert (int(size), name.rstrip()) == (recording.stat().st_size, recording.name), day
    etag = stack.s3.head_object(Bucket=BUCKET, Key=f"uploads/{client.client_id}/{recording.name}")["ETag"]
    assert etag.strip('"').partition("-")[2] == (str(parts) if parts else "")

    job = the_job(client)
    assert (job["status"], job["file_name"]) == ("completed", recording.name), job
    (text,) = [result["uri"] for result in job["results"] if result["format"] == "txt"]
    aws.run("s3", "cp", text, "text.txt")
    assert (tmp_path / "text.txt").read_text("utf-8") == client.transcript(job["job_id"], "txt") != ""


def test_it_lists_results_and_describes_table_and_machines(client: Client, aws: OfficialAws) -> None:
    job_id = client.send(MEETING.read_bytes()[:60_000], "möte.mp3")
    assert client.wait(job_id)["status"] == "completed"
    listed = aws.run("s3", "ls", f"s3://{BUCKET}/results/{job_id}/", "--recursive").splitlines()
    assert {"transcript.json", "transcript.txt"} <= {line.rpartition("/")[2] for line in listed}
    assert json.loads(aws.run("dynamodb", "describe-table", "--table-name", TABLE))["Table"]["TableName"] == TABLE
    machines = json.loads(aws.run("ec2", "describe-instances"))["Reservations"]
    tags = [machine["Tags"] for one in machines for machine in one["Instances"]]
    assert any({"Key": "transcribe-deployment", "Value": DEPLOYMENT} in of_machine for of_machine in tags)
