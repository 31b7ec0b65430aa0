"""Everything has a private name and every call of AWS fails, in three ways: no line that is logged holds any of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from tests.support.failing_calls import FailingAws, FailingCalls, Failure, anything, cut, refusal
from tests.support.operations_in_code import in_code
from tests.support.private_world import Private, PrivateWorld
from tests.support.receivers import FINE, NO_HTTP, closes_at_once, hangs, serve
from tests.support.step_world import step_world_of

SIGNED = {"GetObject", "PutObject", "UploadPart"}
"""The API signs addresses for these, and asks nobody."""
WAYS: dict[str, Callable[[Private], Failure]] = {
    "cut": lambda _: cut(),
    "refused": lambda private: refusal(private.all),
    "anything": lambda private: anything(private.all),
}
WALKS = 5
FIELDS = {"event", "level", "timestamp"}


@cache
def aws() -> FailingAws:
    """Clients that all tests share."""
    return FailingAws()


@pytest.fixture
def ports() -> Iterator[list[int]]:
    """Receivers that thank, cut, time out and answer nonsense."""
    with ExitStack() as stack:
        yield [stack.enter_context(serve(behaviour)) for behaviour in (FINE, closes_at_once, hangs, NO_HTTP)]


@pytest.mark.parametrize("way", WAYS)
def test_whatever_fails_in_whatever_words_no_line_holds_a_private_name(
    way: str, ports: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tests.support.world.shared_aws", aws)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    private = Private()
    calls = FailingCalls(WAYS[way](private))
    with step_world_of(PrivateWorld) as world:
        world.prepare(private, calls, ports, tmp_path)
        world.stand_in(monkeypatch)
        monkeypatch.setattr(aws(), "calls", calls)
        for number in range(WALKS):
            world.walk(number, silent=number == WALKS - 1)
        shipped = world.shipped()
        elsewhere = [*world.lambdas, *world.notes]
    printed = capsys.readouterr()
    lines = [*shipped, *printed.err.splitlines()]
    assert printed.out == ""
    assert all(json.loads(line).keys() >= FIELDS for line in lines)
    spellings = private.spellings()
    assert [line for line in [*lines, *elsewhere] if any(spelling in line for spelling in spellings)] == []
    needed = {service: in_code(service) for service in ("api", "orchestrator", "gpu_worker")}
    needed["api"] -= SIGNED
    missed = {service: wanted - calls.operations(service) for service, wanted in needed.items()}
    assert not any(missed.values()), missed
    assert {operation for _, operation, _ in calls.failed} >= in_code("common")
