"""The examples of the API's documentation, run as they stand against the whole system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.local.stack import Stack
from tests.support.audio import MEETING

EXAMPLES = Path(__file__).parents[2] / "examples" / "api"


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["bash", "transcribe.sh"], id="curl", marks=[pytest.mark.curl, pytest.mark.jq]),
        pytest.param([sys.executable, "transcribe.py"], id="python"),
    ],
)
def test_an_example_brings_the_text_of_a_recording(stack: Stack, command: list[str]) -> None:
    environment = os.environ | {"TRANSCRIBE_URL": stack.api_url, "TRANSCRIBE_KEY": stack.new_client("examples")}
    done = subprocess.run(
        [*command, str(MEETING)],
        cwd=EXAMPLES,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
