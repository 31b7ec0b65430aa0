"""A dialogue through the whole system: who speaks is found out with the real models, and names are given and changed.

The words are those of a model of random weights.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import httpx
import pytest

from services.common.domain.options import FORMATS
from services.local import resources
from services.local.client import Client
from services.local.receiver import Receiver
from services.local.stack import Stack
from tests.support.audio import DIALOGUE

pytestmark = pytest.mark.alone
"""The processes that observe speakers have the least priority, and would wait for all other tests."""

NAMES = ["Anna Ek", "Bo", "Åsa Öst"]
OPTIONS = {"speakers": "auto", "language": "en", "formats": list(FORMATS)}


def files(client: Client, job_id: str, **query: str) -> dict[str, bytes]:
    """Each format's file."""
    found = {}
    for form in FORMATS:
        reply = client.http.get(f"/api/jobs/{job_id}/transcript", params={"format": form, **query})
        if reply.status_code == 302:
            reply = httpx.get(reply.headers["location"], trust_env=False)
        found[form] = reply.raise_for_status().content
    return found


def shown(form: str, content: bytes) -> str:
    """The text that people see."""
    if form != "docx":
        return content.decode()
    return "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(content)).paragraphs)


def named(content: bytes) -> list[str | None]:
    return [speaker["name"] for speaker in json.loads(content)["speakers"]]


def completed(receiver: Receiver) -> dict[str, Any]:
    """The next message of a job that is done."""
    while True:
        message = receiver.messages.get(timeout=60)
        if message.type == "transcription.completed":
            return dict(message.data)


def test_names_of_the_submission_are_in_every_file_and_in_the_message_and_later_names_in_the_latest_version(
    client: Client, receiver: Receiver
) -> None:
    job_id = client.send(DIALOGUE.read_bytes(), "dialogue.mp3", options=OPTIONS, names=NAMES)
    told = completed(receiver)
    job = client.job(job_id)
    announced = files(client, job_id)

    assert (job["status"], job["names"], told["names"]) == ("completed", NAMES, NAMES)
    count = job["quality"]["speaker_count"]
    assert 2 <= count <= len(NAMES)
    assert named(announced["json"]) == NAMES[:count]
    for form, content in announced.items():
        assert all(name in shown(form, content) for name in NAMES[:count]), form
    assert told["text"] + "\n" == announced["txt"].decode()

    renamed = ["Anna Berg", None, "Cilla"]
    client.http.patch(f"/api/jobs/{job_id}", json={"names": renamed}).raise_for_status()
    latest = files(client, job_id, version="latest")
    assert named(latest["json"]) == ["Anna Berg", "Speaker 2", "Cilla"][:count]
    for form, content in latest.items():
        assert "Anna Berg" in shown(form, content), form
        assert "Anna Ek" not in shown(form, content), form
    digests = {entry["format"]: entry["sha256"] for entry in told["results"]}
    after = files(client, job_id)
    assert digests == {form: hashlib.sha256(content).hexdigest() for form, content in after.items()}


@pytest.fixture
def environment(stack: Stack, client: Client, tmp_path: Path) -> dict[str, str]:
    key = str(client.http.headers["Authorization"]).removeprefix("Bearer ")
    own = {"TRANSCRIBE_URL": stack.api_url, "TRANSCRIBE_KEY": key, "XDG_STATE_HOME": str(tmp_path / "state")}
    return {**os.environ, **own}


def test_the_command_line_tells_speakers_apart(client: Client, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "services.cli.main", "examples/audio/dialogue.mp3", "--speakers", "auto"]
    root = DIALOGUE.parents[2]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True, cwd=root, env=environment)
    (job,) = client.http.get("/api/jobs").json()["jobs"]
    assert job["options"]["speakers"] == "auto"
    text = done.stdout.decode()
    assert text.strip() == client.transcript(job["job_id"]).strip()
    assert {"Talare 1", "Talare 2"} <= {line.split(":")[0] for line in text.splitlines()}


def test_a_plain_upload_is_told_apart_by_its_clients_defaults(stack: Stack, client: Client) -> None:
    assert stack.store.clients.set_defaults(client.client_id, {"speakers": 2})
    key = f"uploads/{client.client_id}/dialogue.mp3"
    stack.s3.put_object(Bucket=resources.BUCKET, Key=key, Body=DIALOGUE.read_bytes())
    (job,) = next(listed for listed in jobs(client) if listed)
    done = client.wait(job["job_id"])
    assert (done["status"], done["options"]["speakers"]) == ("completed", 2)
    assert 1 <= done["quality"]["speaker_count"] <= 2


def jobs(client: Client) -> Iterator[list[dict[str, Any]]]:
    """The client's jobs, again and again."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        yield client.http.get("/api/jobs").json()["jobs"]
        time.sleep(0.1)
