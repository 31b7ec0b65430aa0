"""Why EC2 ended a machine, and whose doing that is."""

from __future__ import annotations

from typing import Any

import pytest

from services.common.domain.states import Waiting
from services.orchestrator.state_reasons import CAUSES, MOST_WORDS, Doing, end_of

OF_EC2, OF_ACCOUNT, OF_MACHINE = Doing.EC2, Doing.ACCOUNT, Doing.MACHINE


def ended(code: str, message: str = "", transition: str = "") -> dict[str, Any]:
    return {"StateReason": {"Code": code, "Message": message}, "StateTransitionReason": transition}


@pytest.mark.parametrize(
    ("code", "doing", "waiting"),
    [
        ("Server.SpotInstanceTermination", OF_EC2, None),
        ("Server.SpotInstanceShutdown", OF_EC2, None),
        ("Server.InternalError", OF_EC2, None),
        ("Server.InsufficientInstanceCapacity", OF_EC2, None),
        ("Server.ScheduledStop", OF_EC2, None),
        ("Server.SomethingNew", OF_EC2, None),
        ("Client.InternalError", OF_ACCOUNT, Waiting.IMAGE),
        ("Client.InvalidSnapshot.NotFound", OF_ACCOUNT, Waiting.IMAGE),
        ("Client.VolumeLimitExceeded", OF_ACCOUNT, Waiting.QUOTA),
        ("Client.InstanceInitiatedShutdown", OF_MACHINE, None),
        ("Client.UserInitiatedShutdown", OF_MACHINE, None),
        ("Client.InstanceTerminated", OF_MACHINE, None),
        ("Client.SomethingNew", OF_MACHINE, None),
        ("", OF_MACHINE, None),
    ],
)
def test_every_code_says_whose_doing_it_was(code: str, doing: Doing, waiting: Waiting | None) -> None:
    cause = end_of(ended(code)).cause
    assert (cause.doing, cause.waiting) == (doing, waiting or Waiting.BREAKER)


def test_a_machine_that_ec2_does_not_know_counts_as_its_own_doing() -> None:
    assert end_of(None).cause.doing is OF_MACHINE
    assert end_of(None).said == "EC2 knows nothing of it any more."


def test_the_accounts_doing_says_what_to_do() -> None:
    told = end_of(ended("Client.InternalError", "Client.InternalError: Client error on launch")).said
    assert "KMS key" in told
    assert "ebs_key_arn" in told
    assert told.endswith("EC2 says: Client.InternalError: Client error on launch")


def test_ec2s_words_are_told_once_with_their_code() -> None:
    both = ended("Server.InternalError", "Internal error on launch", "Server.InternalError")
    assert end_of(both).ec2_says == "Server.InternalError: Internal error on launch; Server.InternalError"
    once = ended("Client.InternalError", "Client.InternalError: x", "Client.InternalError: x")
    assert end_of(once).ec2_says == "Client.InternalError: x"


def test_where_the_reason_is_missing_the_transition_says_it() -> None:
    end = end_of({"StateTransitionReason": "Server.SpotInstanceTermination: taken back"})
    assert (end.code, end.cause.doing) == ("Server.SpotInstanceTermination", OF_EC2)
    assert end_of({"StateTransitionReason": "User initiated (2026-11-26 10:00:00 GMT)"}).cause.doing is OF_MACHINE


def test_however_much_ec2_says_a_jobs_reason_stays_short() -> None:
    assert len(end_of(ended("Client.InternalError", "x" * 10_000)).ec2_says) == MOST_WORDS


@pytest.mark.parametrize("code", CAUSES)
def test_every_cause_is_told_in_whole_sentences(code: str) -> None:
    words = CAUSES[code].words
    assert words[0].isupper()
    assert words.endswith(".")
