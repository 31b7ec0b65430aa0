"""What mistakes are made in: the files, and everything that can go wrong in them."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.operators import changes, defaults_of
from tests.mutation.session import ROOT
from tests.mutation.trials import Mutant

STORE = "services/common/store"
WORKER = "services/gpu_worker"
ROOMS = (
    STORE,
    WORKER,
    *(f"{WORKER}/{room}" for room in ("queue", "part", "image", "machine", "engine/processes")),
    "services/orchestrator",
)
PROGRAMS = frozenset(
    {
        *("__main__", "bill_of_materials", "crash_report", "fetch_models", "main"),
        *("device_main", "readers", "reader_main"),
    }
)
"""What runs in a process of its own, where no mistake can be made from here: its tests start it (`nox -s machine`)."""


def files() -> list[str]:
    """Those of all rooms; the rest of the worker's engine has promises of another kind."""
    found = [path for room in ROOMS for path in sorted((ROOT / room).glob("*.py"))]
    return [str(path.relative_to(ROOT)) for path in found if path.stem not in PROGRAMS]


def trees(paths: Sequence[str]) -> Mapping[str, ast.Module]:
    return {path: ast.parse((ROOT / path).read_bytes()) for path in paths}


def mutants(modules: Mapping[str, ast.Module]) -> list[Mutant]:
    """Every mistake in these modules."""
    sources = (ast.parse(path.read_bytes()) for path in sorted(Path(ROOT, "services").rglob("*.py")))
    defaults = defaults_of(sources)
    return [
        Mutant(path=path, change=change)
        for path, tree in modules.items()
        for change in changes(tree, defaults=defaults, writes=path.startswith(STORE))
    ]


def key(mutant: Mutant) -> tuple[str, str, str]:
    """By which an equivalent one is named: no line number, which any edit moves."""
    return mutant.path, mutant.change.site.where, mutant.change.text


def users(modules: Mapping[str, ast.Module]) -> Mapping[str, Mapping[str, Sequence[int]]]:
    """Where functions use what a module has outside of them: lines by file, by name."""
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for path, tree in modules.items():
        functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
        for name in (node for function in functions for node in ast.walk(function) if isinstance(node, ast.Name)):
            found[name.id][path].append(name.lineno)
    return found


def unknown_equivalents(made: Sequence[Mutant], paths: Sequence[str]) -> list[tuple[str, str, str]]:
    """Those named for these files that nobody can make any more."""
    known = {key(mutant) for mutant in made}
    return [name for name in EQUIVALENT if name[0] in paths and name not in known]
