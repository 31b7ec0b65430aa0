"""What a deployment of each release holds: Terraform's state, as `./nox -s baseline` wrote it down in VERSION.json.

A plan against such a state shows what an upgrade would do to whoever runs that release. It needs neither the release's
files nor its resources, so it is the same in a clone without tags, in an archive, and on a machine without a network.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

_FOLDER = Path(__file__).parent


def released_version() -> str:
    """The version that pyproject.toml names, which is the last one that was released or the one that is about to be."""
    project = tomllib.loads((_FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def path_of(version: str) -> Path:
    """Where a release's recording lies, whether it was made or not."""
    return _FOLDER / f"{version}.json"


def contract_of(version: str) -> Path:
    """Where a release's OpenAPI document lies, with which tests/unit/test_contract.py compares today's."""
    return _FOLDER / "contracts" / f"{version}.json"


def recordings() -> list[Path]:
    """One for each release from which an upgrade is promised."""
    return sorted(_FOLDER.glob("*.json"))
