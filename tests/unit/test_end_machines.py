"""What ends a deployment's machines says what is wrong where it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_where_terraform_knows_no_deployment_a_sentence_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.end_machines", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"`terraform -chdir={tmp_path} output` names no deployment")
    assert len(done.stderr.splitlines()) == 1
