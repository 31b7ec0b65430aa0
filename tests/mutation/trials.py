"""Which mistakes are noticed: a fork for each, as many at a time as there are cores, each with a time limit."""

from __future__ import annotations

import ast
import os
import select
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate

from tests.mutation.covering import Covering, Test
from tests.mutation.operators import Change
from tests.mutation.session import fork
from tests.mutation.trial import UNHELD, Report

FIRST_SECONDS = 90.0
"""Until the first test begins: in a process that has imported nothing, everything is imported before."""
TEST_SECONDS = 8.0
"""That any test may take, beside several times what it took when it was measured: longer is a hang."""
TIMES = 6.0
LOOK_SECONDS = 0.2
MOST_WORK = 20.0
"""Seconds of processor time that a mistake which nobody notices may cost; tests beyond that are left out."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A mistake in a file."""

    path: str
    change: Change

    @property
    def name(self) -> str:
        return f"{self.path}:{self.change.line} {self.change.site.where} {self.change.operator}: {self.change.text}"

    @property
    def place(self) -> str:
        """No other has this one."""
        return f"{self.path}:{self.change.line}:{self.change.column} {self.change.text}"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a mistake: who noticed it, and how; nobody, if that is None."""

    mutant: Mutant
    caught_by: str | None
    how: str
    tests: int
    """That run the line."""


Start = Callable[[Mutant | None, Sequence[str], Report], None]
"""Makes the mistake in a fork (or none) and runs the tests with these ids."""


class _Trial:
    """A mutant on its way to a verdict."""

    def __init__(self, mutant: Mutant, choose: Callable[[Mutant], list[Test]]) -> None:
        self.mutant = mutant
        self._choose = choose
        self.doubted: list[Test] | None = None
        """Tests of which the last has noticed something, and has yet to show that it passes without the mistake."""
        self.how = ""

    def tests(self) -> list[Test]:
        return self._choose(self.mutant) if self.doubted is None else self.doubted

    def survived(self, how: str, tests: int) -> Verdict:
        return Verdict(mutant=self.mutant, caught_by=None, how=how, tests=tests)


@dataclass(kw_only=True, eq=False)
class _Child:
    id: int
    pipe: int
    trial: _Trial
    tests: list[Test]
    number: int = 0
    ends: float
    said: bytes = b""


class Trials:
    """Runs mutants against their tests."""

    def __init__(self, covering: Covering, users: Mapping[str, Mapping[str, Sequence[int]]], *, jobs: int) -> None:
        """`users`: lines, by file, where a name is used that a module has outside of its functions."""
        self._covering = covering
        self._users = users
        self._jobs = jobs
        self._kills: Counter[tuple[str, str]] = Counter()
        """How often a test has noticed something in a file or function: it probably does so again."""
        self._trusted: set[str] = set()
        self.distrusted: set[str] = set()
        """Tests that fail here without a mistake."""

    def run(self, mutants: Iterable[Mutant], start: Start) -> Iterator[Verdict]:
        """Each mutant's verdict, as it is known."""
        waiting = deque(_Trial(mutant, self._tests_of) for mutant in mutants)
        children: list[_Child] = []
        while waiting or children:
            while waiting and len(children) < self._jobs:
                trial = waiting.popleft()
                if tests := trial.tests():
                    children.append(self._fork(trial, tests, start))
                else:
                    yield trial.survived("no test runs it", 0)
            for child, how in _ended(children):
                children.remove(child)
                _end(child)
                if verdict := self._judge(child, how):
                    yield verdict
                else:
                    waiting.appendleft(child.trial)

    def _judge(self, child: _Child, how: str) -> Verdict | None:
        """Believe who survived, and who was noticed by a test that passes without the mistake; None: try again."""
        trial, test = child.trial, child.tests[child.number]
        if trial.doubted is not None:
            (self._trusted if how == "survived" else self.distrusted).add(trial.doubted[-1].id)
            trial.doubted = None
            return self._caught(trial, test, trial.how, len(child.tests)) if how == "survived" else None
        if how in {"survived", UNHELD}:
            return trial.survived(how, len(child.tests))
        if test.id in self._trusted:
            return self._caught(trial, test, how, len(child.tests))
        trial.doubted, trial.how = child.tests[: child.number + 1], how
        return None

    def _caught(self, trial: _Trial, test: Test, how: str, tests: int) -> Verdict:
        mutant = trial.mutant
        self._kills.update([(mutant.path, test.id), (mutant.path + mutant.change.site.where, test.id)])
        return Verdict(mutant=mutant, caught_by=test.id, how=how, tests=tests)

    def _tests_of(self, mutant: Mutant) -> list[Test]:
        """Those that run the line; first who is quick, is about this file, and has noticed something here before."""
        change, statement = mutant.change, mutant.change.site.statement
        found = self._covering.of({mutant.path: change.lines})
        if not found:
            found = self._covering.of({mutant.path: range(statement.lineno, (statement.end_lineno or 0) + 1)})
        if not change.site.where and isinstance(statement, ast.Assign):
            found = self._covering.of(self._users.get(ast.unparse(statement.targets[0]), {}))

        def aside(test: Test) -> float:
            return (test.work + 0.01) / (test.share_in(mutant.path) + 0.01)

        def kills(test: Test) -> int:
            return 5 * self._kills[mutant.path + change.site.where, test.id] + self._kills[mutant.path, test.id]

        trusted = sorted((test for test in found if test.id not in self.distrusted), key=aside)
        spent = accumulate(test.work for test in trusted)
        chosen = [test for test, work in zip(trusted, spent, strict=True) if work <= MOST_WORK] or trusted[:1]
        return sorted(chosen, key=lambda test: aside(test) / (1 + kills(test)))

    def _fork(self, trial: _Trial, tests: list[Test], start: Start) -> _Child:
        ours, theirs = os.pipe()
        mutant = trial.mutant if trial.doubted is None else None

        def work() -> None:
            os.close(ours)
            start(mutant, [test.id for test in tests], Report(theirs))

        child = fork(work)
        os.close(theirs)
        return _Child(id=child, pipe=ours, trial=trial, tests=tests, ends=time.monotonic() + FIRST_SECONDS)


def _ended(children: Sequence[_Child]) -> Iterator[tuple[_Child, str]]:
    """Those of which something was heard meanwhile that ends them, or nothing for too long; and how."""
    readable, _, _ = select.select([child.pipe for child in children], [], [], LOOK_SECONDS)
    for child in list(children):
        if child.pipe in readable and (how := _read(child)):
            yield child, how
        elif time.monotonic() > child.ends:
            yield child, "hung"


def _read(child: _Child) -> str | None:
    """How it ended, if it has."""
    said = os.read(child.pipe, 65_536)
    *lines, child.said = (child.said + said).split(b"\n")
    for line in lines:
        word, number = line.decode().split()
        if word == "begun":
            child.number = int(number)
            child.ends = time.monotonic() + TEST_SECONDS + TIMES * child.tests[child.number].seconds
        else:
            child.number = int(number)
            return word
    return None if said else "ended"


def _end(child: _Child) -> None:
    """It, and whatever it has started."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError):
            kill(child.id, signal.SIGKILL)
    os.waitpid(child.id, 0)
    os.close(child.pipe)
