"""`transcribe send` against the whole system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import docx

from services.local.client import Client
from services.local.stack import Stack
from tests.support.audio import MEETING


def transcribe(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    key = stack.new_client("command-line")
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", "send", *arguments, "--api", stack.api_url, "--key", key],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_recordings_are_sent_and_their_texts_written_beside_them_replacing_nothing(
    stack: Stack, tmp_path: Path
) -> None:
    recording = tmp_path / "möte å.mp3"
    recording.write_bytes(MEETING.read_bytes()[:60_000])
    kept = tmp_path / "möte å.srt"
    kept.write_text("mine")
    done = transcribe(stack, str(recording), "--format", "srt", "--format", "docx", "--doubtful-places", "--track", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(tmp_path / name) for name in ("möte å_2.srt", "möte å.docx")]
    assert "möte å.mp3: The sound ends at 9.9 s, before the file's header says it does." in done.stderr
    assert "-->" in (tmp_path / "möte å_2.srt").read_text("utf-8")
    assert kept.read_text() == "mine"
    paragraphs = [paragraph.text for paragraph in docx.Document(str(tmp_path / "möte å.docx")).paragraphs]
    assert paragraphs[0] == "Transkription"
    assert "Tveksamma ställen" in paragraphs
    assert any(paragraph.startswith("00:00:0") for paragraph in paragraphs)
    (job,) = Client(stack, "command-line").http.get("/api/jobs").json()["jobs"]
    formats = ["json", "txt", "srt", "vtt", "tsv", "docx"]
    asked = {"language": "sv", "tracks": [1], "formats": formats, "doubtful_places": True}
    assert job["options"] == job["options"] | asked


def test_a_format_that_there_is_not_is_refused_before_anything_is_uploaded(stack: Stack, tmp_path: Path) -> None:
    recording = tmp_path / "möte.mp3"
    recording.write_bytes(MEETING.read_bytes()[:60_000])
    client = Client(stack, "command-line").http
    before = client.get("/api/jobs").json()["jobs"]
    done = transcribe(stack, str(recording), "--format", "odt")
    assert done.returncode == 1
    assert "docx" in done.stderr
    assert client.get("/api/jobs").json()["jobs"] == before


def test_a_file_that_is_no_recording_ends_with_a_sentence_and_status_1(stack: Stack, tmp_path: Path) -> None:
    notes = tmp_path / "anteckningar.mp3"
    notes.write_text("ingen ljudfil\n" * 20)
    done = transcribe(stack, str(notes))
    assert done.returncode == 1
    assert "INVALID_MEDIA" in done.stderr
    assert "Traceback" not in done.stderr
