"""The page's model of a text, under Node: what people edit becomes changes, and changes become the text again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).parents[1] / "support" / "page_model" / "model.test.mjs"


@pytest.mark.npm
def test_every_promise_of_the_page_s_model_is_kept() -> None:
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", MODEL], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n# pass 0\n" not in done.stdout, "no promise was looked at"
