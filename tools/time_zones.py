"""Writes the names of time zones that Terraform takes: `python -m tools.time_zones`, after a new version of tzdata.

A test checks that they are those of the package that the orchestrator is deployed with.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

NAMES = Path(__file__).parents[1] / "terraform" / "modules" / "orchestrator" / "time_zones.txt"

if __name__ == "__main__":
    known = (resources.files("tzdata") / "zones").read_text(encoding="utf-8").split()
    NAMES.write_text("\n".join(sorted(known)) + "\n", encoding="utf-8")
