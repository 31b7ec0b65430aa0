"""Inside a fork: the mistake is made, and tests run until one of them notices.

A mistake inside a function is made in a process that has imported everything already: the function gets another body.
One outside of any is made while its module is imported, in a process that has imported nothing of ours yet. Either
way no file is touched.
"""

from __future__ import annotations

import ast
import gc
import importlib
import inspect
import os
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from importlib.machinery import SourceFileLoader
from typing import Any
from unittest.mock import patch

import pytest

from tests.mutation.operators import Change
from tests.mutation.session import ROOT, pytest_main

UNHELD = "unheld"
"""Said where a mistake could not be made."""


class Report:
    """What the parent hears: `begun`, `failed` with a test's number, `survived`, `unheld`."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def say(self, word: str, number: int = 0) -> None:
        os.write(self._pipe, f"{word} {number}\n".encode())


class Trial:
    """A pytest plugin that runs chosen tests in the order given, and stops at the first that fails."""

    def __init__(self, ids: Sequence[str], report: Report) -> None:
        self._numbers = {id_: number for number, id_ in enumerate(ids)}
        self._report = report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.run(session.items)
        return True

    def run(self, items: Sequence[pytest.Item]) -> None:
        """In this session, or in the one that this process was forked from."""
        chosen = sorted(
            (item for item in items if item.nodeid in self._numbers), key=lambda item: self._numbers[item.nodeid]
        )
        for item, following in zip(chosen, [*chosen[1:], None], strict=True):
            self._report.say("begun", self._numbers[item.nodeid])
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        self._report.say("survived")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._report.say("failed", self._numbers.get(report.nodeid, 0))
            os._exit(0)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._report.say("failed")
            os._exit(0)


def on_import(path: str, tree: ast.Module, change: Change, ids: Sequence[str], report: Report) -> None:
    """Let the tests import the mistake."""
    file = str(ROOT / path)
    with change.made():
        code = compile(tree, file, "exec", dont_inherit=True)
    load = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> Any:
        return code if self.path == file else load(self, fullname)

    with patch.object(SourceFileLoader, "get_code", get_code):
        try:
            pytest_main(ids, Trial(ids, report))
        finally:
            report.say("failed")  # unless it was said before that they passed


class Bodies:
    """The functions of imported modules, by name and line: code that has run is not equal to code that has not."""

    def __init__(self, modules: Mapping[str, ast.Module]) -> None:
        self._modules = modules
        for path in modules:
            importlib.import_module(path.removesuffix(".py").replace("/", "."))
        files = {str(ROOT / path) for path in modules}
        self._functions: dict[tuple[str, str, int], list[types.FunctionType]] = {}
        for found in gc.get_objects():
            if isinstance(found, types.FunctionType) and found.__code__.co_filename in files:
                self._functions.setdefault(_name(found.__code__), []).append(found)

    def exchange(self, path: str, change: Change) -> bool:
        """Make the mistake here and now; False if nobody holds the function."""
        file, tree = str(ROOT / path), self._modules[path]
        code = []
        for making in (nullcontext(), change.made()):
            with making:
                code.append(compile(tree, file, "exec", dont_inherit=True))
        done = False
        for before, after in _differing(*code):
            for function in self._functions.get(_name(before), []):
                function.__code__ = after
                done = True
        return done


def _name(code: types.CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _differing(before: types.CodeType, after: types.CodeType) -> Iterator[tuple[types.CodeType, types.CodeType]]:
    """The outermost functions that are not the same."""
    for one, other in zip(_inside(before), _inside(after), strict=True):
        if one == other:
            continue
        if one.co_flags & inspect.CO_OPTIMIZED:
            yield one, other
        else:
            yield from _differing(one, other)


def _inside(code: types.CodeType) -> list[types.CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
