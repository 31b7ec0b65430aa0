"""`python -m tests.baselines` writes what a release promises: VERSION.json, from an apply on the emulator, and its API.

It is a step of a release. Whoever runs that release is then promised an upgrade by tests/e2e/test_upgrades.py, and an
API without silent breaks by tests/unit/test_contract.py.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.baselines import contract_of, path_of, released_version
from tests.baselines.deployment import configuration, everything, recorded
from tests.support.emulator import Emulator
from tools import api_reference


def main() -> int:
    """Exit status 0 once the recording is written."""
    with tempfile.TemporaryDirectory() as temporary, Emulator(Path(temporary)) as emulator:
        variables = everything(emulator)
        terraform = configuration(Path(temporary), emulator)
        terraform.set(variables)
        terraform.apply()
        recording = {"variables": variables, "state": recorded(terraform, emulator)}
    contract = contract_of(released_version())
    contract.write_text(api_reference.files()["openapi.json"], encoding="utf-8")
    path = path_of(released_version())
    path.write_text(json.dumps(recording, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{path}\n{contract}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
