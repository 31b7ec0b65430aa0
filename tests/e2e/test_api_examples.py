"""The examples of the API's documentation, run as they stand against the whole system."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services.local.client import Client
from services.local.resources import BUCKET
from services.local.stack import Stack
from tests.support.acoustics import load, write_wav
from tests.support.audio import MEETING
from tests.support.documents import shell_blocks, text_of
from tests.support.rare_paths import eventually
from tests.support.sounds import RATE

EXAMPLES = Path(__file__).parents[2] / "examples" / "api"
SECONDS = 180
NAMES = ('@möte; "å, ä" & \\ö\\.mp3', "-möte='$HOME'.mp3")
"""Of files: what curl, jq, a shell or a form may give a meaning to."""


def run(stack: Stack, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder as somebody who has an address and a key; it ends well."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"TRANSCRIBE_URL": stack.api_url, "TRANSCRIBE_KEY": stack.new_client("examples")},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.parametrize(
    ("command", "name"),
    [
        pytest.param(["bash", "transcribe.sh"], NAMES[0], id="curl", marks=[pytest.mark.curl, pytest.mark.jq]),
        pytest.param(["bash", "transcribe.sh"], NAMES[1], id="curl -", marks=[pytest.mark.curl, pytest.mark.jq]),
        pytest.param([sys.executable, "transcribe.py"], NAMES[0], id="python"),
        pytest.param([sys.executable, "transcribe.py"], NAMES[1], id="python -"),
    ],
)
def test_an_example_brings_the_text_of_a_recording_whatever_its_name(
    stack: Stack, tmp_path: Path, command: list[str], name: str
) -> None:
    program, example = command
    shutil.copy(MEETING, tmp_path / name)
    client = Client(stack, "examples")
    done = run(stack, tmp_path, program, str(EXAMPLES / example), name)

    assert done.stdout.strip()
    assert done.stderr == ""
    assert client.http.get("/api/jobs").json()["jobs"][0]["file_name"] == name


@pytest.mark.curl
@pytest.mark.jq
def test_the_documented_upload_with_curl_brings_the_text(stack: Stack, tmp_path: Path) -> None:
    (block,) = [text for text in shell_blocks("docs/api/README.md") if "form-string" in text]
    shutil.copy(MEETING, tmp_path / "möte.mp3")
    done = run(stack, tmp_path, "bash", "-euo", "pipefail", "-c", block)

    told, end, text = done.stdout.partition("\n}\n")
    assert json.loads(told + end) == {"status": "completed", "error": None}
    assert text.strip()


def test_the_documented_upload_in_parts_brings_the_text(stack: Stack, tmp_path: Path) -> None:
    """Of two parts, through S3's wire; the longer one has the sound."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", text_of("docs/api/README.md"), re.MULTILINE | re.DOTALL)
    write_wav(tmp_path / "möte.wav", load(MEETING)[: 10 * RATE])
    with (tmp_path / "möte.wav").open("ab") as file:
        file.write(b"JUNK" + (9 << 20).to_bytes(4, "little") + bytes(9 << 20))
    client = Client(stack, "examples")
    run(stack, tmp_path, sys.executable, "-c", block)
    (job,) = [job for job in client.http.get("/api/jobs").json()["jobs"] if job["file_name"] == "möte.wav"]
    assert client.wait(job["job_id"])["status"] == "completed"
    assert client.transcript(job["job_id"]).strip()
    assert not stack.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads")


@pytest.mark.curl
@pytest.mark.jq
def test_the_upload_with_curl_of_the_readme_brings_subtitles(stack: Stack, tmp_path: Path) -> None:
    send, fetch = (text for text in shell_blocks("README.md") if "TRANSCRIBE_KEY" in text)
    shutil.copy(MEETING, tmp_path / "möte.mp3")
    client = Client(stack, "examples")
    run(stack, tmp_path, "bash", "-euo", "pipefail", "-c", send)
    job_id = json.loads((tmp_path / "job.json").read_text("utf-8"))["job_id"]
    eventually(lambda: client.http.get(f"/api/jobs/{job_id}").json()["status"] == "completed")

    assert "-->" in run(stack, tmp_path, "bash", "-euo", "pipefail", "-c", fetch).stdout
