"""`transcribe FILE` and `transcribe show` against the whole system, as programs call them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import docx
import pytest

from services.local.client import Client
from services.local.stack import Stack
from tests.support.audio import MEETING

REMARK = "The sound ends at 9.9 s, before the file's header says it does."


class Caller:
    """Calls `transcribe` as one client."""

    def __init__(self, stack: Stack, client: Client, folder: Path) -> None:
        key = str(client.http.headers["Authorization"]).removeprefix("Bearer ")
        own = {"TRANSCRIBE_URL": stack.api_url, "TRANSCRIBE_KEY": key, "XDG_STATE_HOME": str(folder / "state")}
        self._environment = {**os.environ, **own, "PYTHONPATH": str(Path(__file__).parents[2])}
        self._folder = folder

    def __call__(self, *arguments: str, stdin: bytes = b"", exit_code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "services.cli.main", *arguments],
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
            cwd=self._folder,
            env=self._environment,
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == exit_code, err
        assert "Traceback" not in err
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)


@pytest.fixture
def transcribe(stack: Stack, client: Client, tmp_path: Path) -> Caller:
    return Caller(stack, client, tmp_path)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "möte å.mp3"
    path.write_bytes(MEETING.read_bytes()[:60_000])
    return path


def jobs(client: Client) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = client.http.get("/api/jobs").json()["jobs"]
    return listed


def test_a_text_that_is_not_there_yet_is_no_file(transcribe: Caller, client: Client, tmp_path: Path) -> None:
    job_id = client.new_job("möte.mp3")["job_id"]
    done = transcribe("show", job_id, "job_none", "-f", "txt", exit_code=3)
    assert "möte.mp3: It is awaiting_upload and has no text yet: wait for it with --follow." in done.stderr
    assert "job_none: " in done.stderr
    assert list(tmp_path.glob("*.txt")) == []


def test_a_wrong_command_line_is_refused_before_anything_is_sent(
    transcribe: Caller, recording: Path, client: Client
) -> None:
    for wrong in (("-f", "odt"), ("--no-wait", "--beside")):
        assert transcribe(recording.name, *wrong, exit_code=2).stderr.startswith("transcribe: ")
    assert jobs(client) == []


def test_a_wrong_key_is_told_once_however_many_recordings_there_are(
    transcribe: Caller, recording: Path, client: Client
) -> None:
    another = recording.with_name("b.mp3")
    another.write_bytes(b"sound")
    told = transcribe(recording.name, another.name, "--key", "key_none", exit_code=3).stderr
    assert len(told.splitlines()) == 1
    assert "transcribe login" in told
    assert jobs(client) == []


def test_a_recordings_text_and_nothing_else_is_printed(transcribe: Caller, recording: Path, client: Client) -> None:
    done = transcribe(recording.name)
    (job,) = jobs(client)
    assert done.stdout.strip() == client.transcript(str(job["job_id"])).strip()
    assert f"möte å.mp3: {REMARK}" in done.stderr.splitlines()
    assert "möte å.mp3: uploaded" in done.stderr.splitlines()
    assert "\x1b" not in done.stderr


def test_texts_are_written_beside_their_recordings_replacing_nothing_and_options_reach_the_job(
    transcribe: Caller, recording: Path, client: Client, tmp_path: Path
) -> None:
    kept = recording.with_suffix(".srt")
    kept.write_text("mine")
    options = ("--beside", "-f", "srt,docx", "--doubtful-places", "--tracks", "1", "--reference", "case 1")
    done = transcribe(str(recording), *options, "--metadata", "department=north")
    assert done.stdout.splitlines() == [str(tmp_path / name) for name in ("möte å_2.srt", "möte å_2.docx")]
    assert "-->" in (tmp_path / "möte å_2.srt").read_text("utf-8")
    assert kept.read_text() == "mine"
    paragraphs = [paragraph.text for paragraph in docx.Document(str(tmp_path / "möte å_2.docx")).paragraphs]
    assert "Tveksamma ställen" in paragraphs
    (job,) = jobs(client)
    formats = ["json", "txt", "srt", "vtt", "tsv", "docx"]
    asked = {"tracks": [1], "formats": formats, "doubtful_places": True}
    assert isinstance(job["options"], dict)
    assert job["options"] == job["options"] | asked
    assert (job["reference"], job["metadata"]) == ("case 1", {"department": "north"})


def test_of_several_one_that_is_no_recording_stops_none(transcribe: Caller, recording: Path, tmp_path: Path) -> None:
    notes = tmp_path / "anteckningar.mp3"
    notes.write_text("ingen ljudfil\n" * 20)
    sent = ("./anteckningar.mp3", recording.name, "-")
    done = transcribe(*sent, "--json", "-f", "vtt", stdin=recording.read_bytes(), exit_code=1)
    lines = {line["file"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert lines["anteckningar.mp3"]["error"]["code"] == "INVALID_MEDIA"
    assert re.search(r"anteckningar\.mp3: .* \(INVALID_MEDIA\)\.", done.stderr)
    for name in (recording.name, "-"):
        (path,) = lines[name]["files"]
        assert re.fullmatch(r"transcription_\d{8}_\d{6}(_\d)?\.vtt", path)
        assert (tmp_path / path).read_text("utf-8").startswith("WEBVTT")
        assert lines[name]["status"] == "completed"


def test_an_id_that_was_printed_without_waiting_brings_its_text_later(
    transcribe: Caller, recording: Path, client: Client, tmp_path: Path
) -> None:
    sent = transcribe(recording.name, "--no-wait", "--quiet", "--language", "auto")
    assert sent.stderr == ""
    job_id = sent.stdout.strip()
    assert [job["job_id"] for job in jobs(client)] == [job_id]
    text = transcribe("show", job_id, "--follow").stdout
    assert text.strip() == client.transcript(job_id).strip()
    (tmp_path / "texts").mkdir()
    assert transcribe("show", job_id, "-o", "texts").stdout.splitlines() == ["texts/möte å.txt"]
    told = transcribe("show", job_id).stdout
    for line in (
        "file         möte å.mp3",
        "status       completed",
        "option       language: auto",
        f"remark       {REMARK}",
    ):
        assert line in told.splitlines()
    shown = json.loads(transcribe("show", job_id, "--json").stdout)
    assert shown == client.job(job_id)
