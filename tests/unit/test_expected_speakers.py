"""How many speakers a client expects: each form that it may be given in, and nothing else."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.schemas.options import JobOptions
from services.common.domain.errors import InvalidOptionError
from services.common.domain.options import Options
from services.common.domain.speakers import MOST_SPEAKERS, RULE, ExpectedSpeakers
from tests.support import contract

NUMBERS = st.integers(1, MOST_SPEAKERS)


@pytest.mark.parametrize(
    ("value", "least", "most", "shortest"),
    [
        ("auto", 1, None, "auto"),
        (1, 1, 1, 1),
        (3.0, 1, 3, 3),
        ({"at_most": 3}, 1, 3, 3),
        ({"at_least": 2}, 2, None, {"at_least": 2}),
        ({"at_least": 1}, 1, None, "auto"),
        ({"at_least": 2.0, "at_most": 2}, 2, 2, {"at_least": 2, "at_most": 2}),
    ],
)
def test_each_form_says_how_many_and_is_shown_in_its_shortest(
    value: object, least: int, most: int | None, shortest: object
) -> None:
    found = ExpectedSpeakers.parse(value)
    assert found == ExpectedSpeakers(at_least=least, at_most=most)
    assert found.to_json() == shortest
    assert JobOptions.model_validate({"speakers": value}).speakers == shortest


@pytest.mark.parametrize("value", [None, "off"])
def test_off_is_nobody(value: object) -> None:
    assert ExpectedSpeakers.parse(value) is None


@given(least=NUMBERS, spare=st.none() | st.integers(0, MOST_SPEAKERS))
def test_what_is_shown_means_the_same_to_who_reads_it_and_is_as_the_contract_says(
    least: int, spare: int | None
) -> None:
    most = None if spare is None else min(least + spare, MOST_SPEAKERS)
    expected = ExpectedSpeakers(at_least=least, at_most=most)
    shown = json.loads(json.dumps(expected.to_json()))
    assert ExpectedSpeakers.parse(shown) == expected
    contract.check_named(shown, "Speakers")
    options = Options.parse({"speakers": shown}, ["any"])
    assert options.speakers == Options.from_json(options.to_json()).speakers == expected


@pytest.mark.parametrize(
    "value",
    [
        *(True, 0, -1, 51, 1.5, math.nan, math.inf, 10**400, "", "3", "AUTO", [], [3], {}),
        *({"at_least": 0}, {"at_most": 51}, {"at_least": None}, {"at_least": True}, {"least": 2}, {"at_least": "2"}),
        {"at_least": 2, "exactly": 2},
    ],
)
def test_everything_else_is_refused_with_all_that_may_be_given(value: object) -> None:
    with pytest.raises(InvalidOptionError) as refused:
        ExpectedSpeakers.parse(value)
    assert (refused.value.field, str(refused.value)) == ("speakers", RULE)


def test_bounds_that_leave_no_number_are_refused() -> None:
    with pytest.raises(InvalidOptionError, match="at_most that is not less than at_least"):
        ExpectedSpeakers.parse({"at_least": 3, "at_most": 2})
