"""A client's defaults: what a job can have of them, and what it is left without."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.client_defaults import LeftOut, honoured
from services.common.domain.model_keys import SPEAKERS
from services.common.domain.options import MAX_HINT_CHARACTERS, Options
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.transcript.quality import WARNINGS, Remark
from services.gpu_worker.part.left_out import with_what_was_left_out
from tests.support.step_engine import make_plan

MODELS = ("small", "small@strict", "large")


def left_out(defaults: dict[str, Any], models: tuple[str, ...] = MODELS, *unfetchable: str) -> list[tuple[str, str]]:
    """The options that a job is left without, in order, with the codes. What it has is an option that can be parsed."""
    options, found = honoured(defaults, models, unfetchable)
    assert options == {name: value for name, value in defaults.items() if name not in {one.option for one in found}}
    return [(one.option, one.code) for one in found]


def test_what_can_be_honoured_is_given_as_it_is() -> None:
    defaults = {"language": "auto", "model": "large", "vocabulary": "council", "tracks": [2], "formats": ["json"]}
    assert honoured(defaults, MODELS) == (defaults, [])
    assert honoured({}, MODELS) == ({}, [])


@pytest.mark.parametrize(
    ("defaults", "lost"),
    [
        ({"model": "gone"}, [("model", "MODEL_UNAVAILABLE")]),
        ({"style": "subtitle"}, [("style", "MODEL_UNAVAILABLE")]),
        ({"model": "large", "style": "strict"}, [("style", "MODEL_UNAVAILABLE")]),
        ({"model": "gone", "style": "strict"}, [("style", "MODEL_UNAVAILABLE"), ("model", "MODEL_UNAVAILABLE")]),
        ({"tempo": "slow"}, [("tempo", "INVALID_OPTION")]),
        ({"channels": "seven"}, [("channels", "INVALID_OPTION")]),
        ({"channels": {"seven": 7}, "language": 7}, [("language", "INVALID_OPTION"), ("channels", "INVALID_OPTION")]),
        ({"formats": ["pdf"], "words": True}, [("formats", "INVALID_OPTION")]),
        ({"doubtful_places": True}, [("doubtful_places", "INVALID_OPTION")]),
        ({"hotwords": "x" * (MAX_HINT_CHARACTERS + 1)}, [("hotwords", "INVALID_OPTION")]),
    ],
)  # fmt: skip
def test_what_cannot_be_honoured_is_left_out_with_its_code_and_the_rest_stays(
    defaults: dict[str, Any], lost: list[tuple[str, str]]
) -> None:
    assert left_out({"preset": "careful", **defaults}) == lost
    options, _ = honoured({"preset": "careful", **defaults}, MODELS)
    assert Options.parse(options, MODELS).preset == "careful"


def test_a_model_that_no_machine_may_fetch_is_left_out() -> None:
    assert left_out({"model": "large"}, MODELS, "large") == [("model", "MODEL_UNAVAILABLE")]


def test_speakers_are_left_out_where_a_deployment_tells_none_apart() -> None:
    defaults = {"speakers": {"at_least": 2}, "vocabulary": "council"}
    assert left_out(defaults) == []
    assert left_out(defaults, MODELS, SPEAKERS) == [("speakers", "MODEL_UNAVAILABLE")]


def test_a_deployment_whose_own_model_cannot_be_fetched_takes_no_other_option_away() -> None:
    assert left_out({"preset": "careful", "vocabulary": "council"}, MODELS, "small") == []
    assert left_out({"preset": "careful", "style": "strict"}, MODELS, "small", "small@strict") == [
        ("style", "MODEL_UNAVAILABLE")
    ]


def test_a_reason_is_kept_with_the_job_as_it_was_told() -> None:
    _, (gone,) = honoured({"model": "gone"}, MODELS)
    assert gone.message.startswith("This deployment does not hold gone. It holds: small")
    assert LeftOut(**gone.to_json()) == gone


JOB = Job(job_id="job_1", client_id="alice", status=JobStatus.RUNNING, created_at=1, source_key="a", file_name="a")


def test_a_job_that_was_left_without_nothing_has_no_remark() -> None:
    plan = make_plan(1)
    assert with_what_was_left_out(plan, JOB) == plan


def test_all_that_was_left_out_is_one_remark_behind_those_of_the_recording() -> None:
    plan = make_plan(1)
    before = Remark("gaps", "Something is missing.", 1.0)
    lost = [LeftOut.vocabulary("council"), LeftOut(option="style", code="MODEL_UNAVAILABLE", message="It is not held.")]
    job = Job(**{**vars(JOB), "left_out": [one.to_json() for one in lost]})
    told = with_what_was_left_out(replace(plan, remarks=(before,)), job)
    sentence = (
        "Of the client's options for its uploads some were left out. "
        "vocabulary: The client has no vocabulary council. style: It is not held."
    )
    assert told.remarks == (before, Remark("defaults_left_out", sentence))
    assert set(told.warnings) <= set(WARNINGS)
