"""Pytest inside this process, told what to run and quiet about it."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[2]
_QUIET = (
    *("-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:timeout", "-p", "no:warnings", "-p", "no:faulthandler"),
    # In memory, since forks would share a file; and without the options that belong to what is left out here.
    *("--capture=sys", "-o", "addopts=", "-o", "tmp_path_retention_policy=none"),
)


def pytest_main(chosen: Sequence[str], plugin: object) -> int:
    """Run these test files, or ids, with this plugin; whatever they write stays inside."""
    base = tempfile.mkdtemp(prefix="tests-")
    return int(pytest.main([*_QUIET, f"--basetemp={base}/tests", f"--rootdir={ROOT}", *chosen], plugins=[plugin]))


def same_examples_each_time() -> None:
    """Hypothesis draws the same each time, keeps nothing, and does not look for the smallest example of a mistake."""
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutation", database=None, derandomize=True, phases=phases)
    hypothesis.settings.load_profile("mutation")


def fork(work: Any) -> int:
    """A process of its own group that does `work` and ends, whatever happens; returns its id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.setpgid(0, 0)
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - said here, for nobody else will
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(status)
