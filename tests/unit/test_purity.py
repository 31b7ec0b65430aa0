"""What calls itself pure is held to that by the linter, which forbids it AWS, the network, logs and settings."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACT = "What decides is pure"


def claimed() -> set[str]:
    """Modules whose docstring says that they are pure."""
    found = set()
    for path in (ROOT / "services").rglob("*.py"):
        said = ast.get_docstring(ast.parse(path.read_bytes())) or ""
        if re.search(r"\bPure\b", said):
            found.add(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    return found


def held() -> set[str]:
    """Modules and packages that the contract names."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (contract,) = (contract for contract in contracts if contract["name"] == CONTRACT)
    return set(contract["source_modules"])


def test_every_module_that_calls_itself_pure_is_held_to_it_by_the_linter() -> None:
    names = held()
    packages = tuple(f"{name}." for name in names)
    assert {name for name in claimed() if name not in names and not name.startswith(packages)} == set()


def test_whatever_the_linter_holds_to_be_pure_exists() -> None:
    missing = {name for name in held() if not list(ROOT.glob(f"{name.replace('.', '/')}*"))}
    assert missing == set()
