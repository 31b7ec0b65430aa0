"""The crash matrix's scenarios in this process, where a mistake can be made: each undisturbed."""

from __future__ import annotations

import pytest

from tests.crash import matrix
from tests.crash.scenarios import SCENARIOS, Scenario


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_holds_undisturbed(scenario: Scenario) -> None:
    assert matrix.undisturbed(scenario)[1] == []
