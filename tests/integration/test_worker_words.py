"""A client updates its words while a worker has the job: the message of the end and the json have the new ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.common.domain.errors import InvalidMediaError
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.store.endings import Endings
from services.common.store.leases import Leases
from services.gpu_worker.part.files import Files
from services.gpu_worker.part.runner import MOST_REWRITTEN
from services.gpu_worker.queue.worker import Worker
from tests.support.step_world import StepWorld, step_world
from tests.support.world import BUCKET

WORDS = ("case 7", {"noted": "case 7"})
AGAIN = {"s3.PutObject": 6, "dynamodb.Query": 1, "dynamodb.TransactWriteItems": 1}
"""What an update costs the worker that meets it at the end: the files, the callbacks and the last write."""


@pytest.fixture(params=[1, 3], ids=["whole", "in parts"])
def world(request: pytest.FixtureRequest) -> Iterator[StepWorld]:
    with step_world(parts=request.param) as made:
        made.listen()
        yield made


def at_clip(world: StepWorld, number: int, happen: Callable[[Worker], object]) -> None:
    seen: list[int] = []

    def each(worker: Worker) -> None:
        seen.append(1)
        if len(seen) == number:
            happen(worker)

    world.each_clip = each


def update(world: StepWorld, reference: str = "case 7") -> None:
    for job in world.jobs():
        world.update(job, reference)


def the_job(world: StepWorld) -> Job:
    (job,) = world.jobs()
    return job


def told(world: StepWorld, kind: str) -> list[dict[str, Any]]:
    """The bodies of the messages of this type, in order of their ids."""
    return [json.loads(event["body"])["data"] for event in world.events(the_job(world)) if event["type"].endswith(kind)]


def transcript(world: StepWorld) -> dict[str, Any]:
    result = the_job(world).result
    assert result
    content = world.s3.get_object(Bucket=BUCKET, Key=result["files"]["json"]["key"])["Body"].read()
    found: dict[str, Any] = json.loads(content)
    return found


def said(of: dict[str, Any]) -> tuple[str | None, dict[str, str]]:
    return of["reference"], of["metadata"]


def before(monkeypatch: pytest.MonkeyPatch, kind: type, name: str, *happen: Callable[[], object]) -> None:
    """Before each of the first calls, one of these happens."""
    real, left = getattr(kind, name), [*happen]

    def call(*arguments: Any, **named: Any) -> Any:
        if left:
            left.pop(0)()
        return real(*arguments, **named)

    monkeypatch.setattr(kind, name, call)


def test_words_that_are_updated_while_it_is_decoded_are_in_the_message_and_in_the_json(world: StepWorld) -> None:
    at_clip(world, 2, lambda _: update(world))
    world.upload()
    world.settle()
    assert the_job(world).status is JobStatus.COMPLETED
    assert [said(data) for data in told(world, "completed")] == [said(transcript(world))] == [WORDS]
    assert said(told(world, "started")[0]) == (None, {})


def test_words_that_are_updated_between_the_files_and_the_last_write_again_and_again_are_in_both(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, Endings, "finish", *(lambda name=name: update(world, name) for name in ("a", "b", "case 7")))
    world.upload()
    world.settle()
    assert [said(data) for data in told(world, "completed")] == [said(transcript(world))] == [WORDS]


@pytest.mark.parametrize("parts", [1, 3])
def test_speakers_whom_the_client_names_meanwhile_have_their_names_in_the_message_and_in_the_files(
    parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with step_world(parts=parts, speakers=1) as named:
        named.listen()
        names = {"names": ["Anna", "Bo"]}
        before(monkeypatch, Endings, "finish", lambda: named.commands.annotate(the_job(named), names, named.clock()))
        named.upload()
        named.settle()
        (message,), written = told(named, "completed"), transcript(named)
        assert [speaker["name"] for speaker in written["speakers"]] == ["Anna", "Bo"]
        assert message["text"] == written["text"]
        assert message["text"].startswith("Anna: ")
        assert message["quality"]["speaker_count"] == 2


def test_a_client_that_never_stops_to_update_its_words_does_not_hold_the_machine(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    before(monkeypatch, Files, "publish", *[lambda: written.append(1)] * 3 * MOST_REWRITTEN)
    names = [str(number) for number in range(2 * MOST_REWRITTEN)]
    before(monkeypatch, Endings, "finish", *(lambda name=name: update(world, name) for name in names))
    world.upload()
    world.settle()
    assert len(written) == 1 + MOST_REWRITTEN
    assert [data["reference"] for data in told(world, "completed")] == [names[-1]]
    assert transcript(world)["reference"] == names[MOST_REWRITTEN - 1]


def test_the_files_are_written_again_only_if_the_words_are_others(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    before(monkeypatch, Files, "publish", *[lambda: written.append(1)] * 3)
    at_clip(world, 1, lambda _: update(world))
    before(monkeypatch, Endings, "finish", lambda: None, lambda: update(world))
    world.upload()
    world.settle()
    assert the_job(world).sequence == told(world, "completed")[0]["sequence"]
    assert len(written) == (2 if world.parts == 1 else 1), "the worker of the merge had read them before"


def test_a_failure_says_the_words_that_the_job_has_by_then(world: StepWorld) -> None:
    def fail(_: Worker) -> None:
        update(world)
        raise InvalidMediaError("It cannot be decoded.")

    at_clip(world, 2, fail)
    world.upload()
    world.settle()
    assert the_job(world).status is JobStatus.FAILED
    assert [said(data) for data in told(world, "failed")] == [WORDS]


def test_a_part_goes_back_to_the_queue_though_its_job_is_updated_at_the_same_moment(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, Leases, "give_back", lambda: update(world))
    at_clip(world, 1, lambda worker: worker.leaving.leave("spot notice"))
    world.upload()
    world.settle()
    assert the_job(world).status is JobStatus.COMPLETED
    assert [said(data) for data in told(world, "interrupted")] == ([WORDS] if world.parts == 1 else [])
    assert world.broken == []


def test_a_job_that_is_updated_while_it_is_claimed_is_claimed_all_the_same(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, Leases, "claim", lambda: update(world))
    world.upload()
    world.settle()
    assert the_job(world).status is JobStatus.COMPLETED
    assert [said(data) for data in told(world, "started")] == [WORDS]


def calls_of_a_job(happen: Callable[[StepWorld], object]) -> Counter[str]:
    with step_world() as world:
        world.listen()
        at_clip(world, 2, lambda _: happen(world))
        world.upload()
        world.settle()
        return Counter(world.faults.calls)


def test_an_update_costs_a_worker_the_files_and_the_write_of_the_end_once_more() -> None:
    own_look = Counter({"dynamodb.Query": 1})
    request = Counter({"dynamodb.GetItem": 1, "dynamodb.UpdateItem": 1})
    assert calls_of_a_job(update) - calls_of_a_job(lambda _: None) - own_look - request == AGAIN
