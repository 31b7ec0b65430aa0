"""A worker is put together in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

WORKER = Path(__file__).parents[2] / "services" / "gpu_worker"
WIRING = WORKER / "wiring.py"
OUR_ROOMS = ("services.gpu_worker.queue.", "services.gpu_worker.part.", "services.gpu_worker.image.")


def names_called(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


@cache
def classes_wired() -> frozenset[str]:
    """The classes of the loop, the parts and the models that the wiring makes instances of."""
    tree = ast.parse(WIRING.read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    ours = {name.name for node in imports if (node.module or "").startswith(OUR_ROOMS) for name in node.names}
    return frozenset(ours & set(names_called(WIRING)))


def test_the_wiring_makes_the_loop_and_what_it_needs() -> None:
    assert {"Worker", "Life", "Heartbeats", "Claimer", "PartEndings", "PartRunner", "Engines"} <= classes_wired()


@pytest.mark.parametrize(
    "path", sorted(WORKER.rglob("*.py")), ids=lambda path: path.relative_to(WORKER).as_posix().removesuffix(".py")
)
def test_nobody_but_the_wiring_makes_what_a_worker_is_made_of(path: Path) -> None:
    if path != WIRING:
        assert not classes_wired() & set(names_called(path))
