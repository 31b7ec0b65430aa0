"""`nox -s crash_matrix` in short: every scenario disturbed here and there, and every planted mistake noticed."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing.pool import Pool

import pytest

from tests.crash import matrix
from tests.crash.mutants import MUTANTS, Mutant
from tests.crash.scenarios import SCENARIOS, Scenario
from tests.support.faults import Mode

EVERY = 79
"""Calls from one that is disturbed to the next; the way it is disturbed changes each time."""
_DISTURBED = [scenario for scenario in SCENARIOS if scenario.disturbed]
_ALONE = [scenario for scenario in SCENARIOS if not scenario.disturbed]


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with matrix.every_core() as made:
        yield made


@pytest.mark.parametrize("scenario", _DISTURBED, ids=lambda scenario: scenario.name)
def test_a_disturbance_anywhere_leaves_every_invariant_standing(scenario: Scenario, pool: Pool) -> None:
    calls, found = matrix.undisturbed(scenario)
    assert found == []
    modes = list(Mode)
    tasks = [
        (scenario.name, at, modes[number % len(modes)], None) for number, at in enumerate(range(0, len(calls), EVERY))
    ]
    assert [(calls[at], mode, found) for _, at, mode, found in matrix.run(tasks, pool) if found] == []


@pytest.mark.parametrize("scenario", _ALONE, ids=lambda scenario: scenario.name)
def test_a_scenario_holds_by_itself(scenario: Scenario) -> None:
    assert matrix.undisturbed(scenario)[1] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_mistake_is_noticed(mutant: Mutant, pool: Pool) -> None:
    assert matrix.caught_by(mutant, pool)
