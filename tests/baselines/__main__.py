"""`python -m tests.baselines` applies this working tree's configuration on the emulator and writes VERSION.json.

It is a step of a release: whoever runs that release is then promised an upgrade by tests/e2e/test_upgrades.py.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.baselines import path_of, released_version
from tests.baselines.deployment import configuration, everything, recorded
from tests.support.emulator import Emulator


def main() -> int:
    """Exit status 0 once the recording is written."""
    with tempfile.TemporaryDirectory() as temporary, Emulator(Path(temporary)) as emulator:
        variables = everything(emulator)
        terraform = configuration(Path(temporary), emulator)
        terraform.set(variables)
        terraform.apply()
        recording = {"variables": variables, "state": recorded(terraform, emulator)}
    path = path_of(released_version())
    path.write_text(json.dumps(recording, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
