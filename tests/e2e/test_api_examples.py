"""The examples of the API's documentation, run as they stand against the whole system."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services.local.client import Client
from services.local.stack import Stack
from tests.support.audio import MEETING

EXAMPLES = Path(__file__).parents[2] / "examples" / "api"
NAMES = ('@möte; "å, ä" & \\ö\\.mp3', "-möte='$HOME'.mp3")
"""Of files: what curl, jq, a shell or a form may give a meaning to."""


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
    done = subprocess.run(
        [program, str(EXAMPLES / example), name],
        cwd=tmp_path,
        env=os.environ | {"TRANSCRIBE_URL": stack.api_url, "TRANSCRIBE_KEY": stack.new_client("examples")},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert done.stderr == ""
    assert client.http.get("/api/jobs").json()["jobs"][0]["file_name"] == name
