"""What a request costs in calls to AWS, authentication and limit included, and what a cold start costs in imports."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from services.api.early_launch import HASTY
from services.common.domain.times import MINUTE_MS
from tests.support.api_jobs import completed, keep_words, put_many, uploaded
from tests.support.gateway import Client, Gateway
from tests.support.transcripts import call
from tests.support.world import World

# What the deployed package does not hold, and structlog would load if it found it.
DEPLOYED = "import sys; sys.modules['rich'] = sys.modules['greenlet'] = None"
BASE = """
import fastapi, mangum, boto3
session = boto3.session.Session(region_name='eu-north-1'); session.client('dynamodb'); session.client('s3')
"""
HANDLER = "import services.api.handler"
FEWEST, MOST = 3, 20
"""Runs of each: the least of few is not yet what it takes on a machine that others use."""
RATIO = 1.25
OWN_MODULES = 95
"""What only the document, machines or the orchestrator need is imported when it is needed, so that a start stays as
short as it is."""
LIBRARIES = {"argparse", "boto3", "dotenv", "gettext", "pydantic", "pydantic_settings", "structlog"}
"""Of which the handler imports more than `BASE` does."""


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    """The AWS calls made inside the block, by any client."""
    calls: list[str] = []

    def note(event_name: str, **_: Any) -> None:
        calls.append(event_name)

    clients = (world.dynamodb, world.s3, world.kms, world.aws.sqs(HASTY))
    for client in clients:
        client.meta.events.register("before-call", note)
    try:
        yield calls
    finally:
        for client in clients:
            client.meta.events.unregister("before-call", note)


def test_a_status_takes_two_calls(world: World, alice: Client) -> None:
    job = alice.post("/api/jobs", {"file_name": "a.mp3"}).json
    with counted(world) as calls:
        assert alice.get(f"/api/jobs/{job['job_id']}").status == 200

    assert len(calls) <= 2, calls


def test_the_status_of_a_queued_job_takes_a_third_call_which_counts_the_queue(world: World, alice: Client) -> None:
    job = uploaded(world, alice)
    with counted(world) as calls:
        assert alice.get(f"/api/jobs/{job.job_id}").json["progress"]["queue_position"] == 1

    assert len(calls) == 3, calls


def test_a_running_jobs_status_takes_two_calls_however_many_parts_it_has(world: World, alice: Client) -> None:
    running, part = world.claimed(uploaded(world, alice))
    world.store.leases.split(part, running, [600.0] * 5, due_at=world.clock())
    with counted(world) as calls:
        assert alice.get(f"/api/jobs/{running.job_id}").json["parts"] == 5

    assert len(calls) == 2, calls


def test_a_list_takes_two_calls_and_a_filter_at_most_six(world: World, alice: Client) -> None:
    """It looks at 500 jobs, a hundred at a time, and at no more of them than it needs."""
    put_many(world, 500)
    for query, most in (("", 2), ("?limit=100", 2), ("?status=queued", 2), ("?q=no-such-word", 6)):
        with counted(world) as calls:
            assert alice.get(f"/api/jobs{query}").status == 200
        assert len(calls) == most, (query, calls)


def test_a_registration_takes_three_calls(world: World, alice: Client) -> None:
    body = {"url": "https://hooks.example.com/", "challenge": True}
    with counted(world) as calls:
        assert alice.post("/api/callbacks", body, idempotency_key="once-1").status == 201

    assert len(calls) <= 3, calls


def test_a_job_takes_three_calls_even_with_a_callback_of_its_own(world: World, alice: Client) -> None:
    body = {"file_name": "a.mp3", "callback": {"url": "https://hooks.example.com/"}}
    with counted(world) as calls:
        assert alice.post("/api/jobs", body, idempotency_key="once-1").status == 201

    assert len(calls) <= 3, calls


def test_a_vocabulary_takes_two_calls_or_three_to_replace_and_a_job_that_names_it_one_more(
    world: World, alice: Client
) -> None:
    made = {"name": "council", "words": ["Umeå"]}
    job = {"file_name": "a.mp3", "options": {"vocabulary": "council"}}
    for method, path, body, most in (
        ("POST", "/api/vocabularies", made, 2),
        ("GET", "/api/vocabularies", None, 2),
        ("GET", "/api/vocabularies/council", None, 2),
        ("PATCH", "/api/vocabularies/council", {"words": ["Sävar"]}, 3),
        ("POST", "/api/jobs", job, 4),
        ("DELETE", "/api/vocabularies/council", None, 3),
    ):
        with counted(world) as calls:
            assert alice.call(method, path, body).status < 300
        assert len(calls) <= most, (method, path, calls)


@pytest.mark.parametrize(
    ("more", "most"), [({}, 3), ({"callback": {"url": "https://hooks.example.com/"}}, 4)], ids=["plain", "callback"]
)
def test_telling_of_a_registration_is_one_call_more(world: World, more: dict[str, Any], most: int) -> None:
    queue_url = world.aws.sqs(HASTY).create_queue(QueueName="uploads")["QueueUrl"]
    client = Gateway(world, early_launch_queue_url=queue_url).client("bob")
    with counted(world) as calls:
        assert client.post("/api/jobs", {"file_name": "a.mp3", **more}, idempotency_key="once-1").status == 201

    assert calls[-1].endswith("SendMessage")
    assert len(calls) <= most, calls


def test_the_latest_version_of_a_transcript_takes_three_calls(world: World, alice: Client) -> None:
    job = completed(world, alice)
    keep_words(world, job, call())
    with counted(world) as calls:
        assert alice.get(f"/api/jobs/{job.job_id}/transcript?version=latest").status == 200

    assert len(calls) == 3, calls


def test_words_and_corrections_take_three_calls_and_saving_one_five(world: World, alice: Client) -> None:
    job = completed(world, alice, callback={"url": "https://hooks.example.com/"})
    keep_words(world, job, call())
    place = f"/api/jobs/{job.job_id}"
    for method, path, upon, most in (
        ("GET", "words", None, 3),
        ("PUT", "correction", '"0"', 5),
        ("GET", "correction", None, 3),
        ("GET", "transcript?version=1", None, 4),
    ):
        tag = {"if_match": upon} if upon else {}
        with counted(world) as calls:
            assert alice.call(method, f"{place}/{path}", {"changes": []} if upon else None, **tag).status == 200
        assert len(calls) <= most, (path, calls)


def test_a_share_takes_no_more_calls_than_its_client(world: World, alice: Client) -> None:
    job = completed(world, alice)
    keep_words(world, job, call())
    place = f"/api/jobs/{job.job_id}"
    holder = Client(alice.gateway, alice.post(f"{place}/shares", {"right": "correct"}).json["token"])
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/words", None),
        ("GET", "/correction", None),
        ("GET", "/transcript?version=latest", None),
        ("GET", "/recording", None),
        ("PATCH", "", {"names": ["Anna"]}),
        ("PUT", "/correction", {"changes": []}),
    ):
        taken = []
        for client, base, upon in ((alice, place, '"0"'), (holder, "/api/shared", '"1"')):
            with counted(world) as calls:
                reply = client.call(method, f"{base}{path}", body, **({"if_match": upon} if method == "PUT" else {}))
            assert reply.status == 200, reply.body
            taken.append(calls)
        assert len(taken[1]) <= len(taken[0]), (path, taken)


def test_an_update_takes_three_calls(world: World, alice: Client) -> None:
    job = alice.post("/api/jobs", {"file_name": "a.mp3"}).json
    with counted(world) as calls:
        assert alice.call("PATCH", f"/api/jobs/{job['job_id']}", {"reference": "case 7"}).status == 200

    assert len(calls) <= 3, calls


def test_the_limit_stays_one_call_however_long_a_key_is_in_use(world: World, alice: Client) -> None:
    for _ in range(30):
        world.clock.pass_(MINUTE_MS)
        with counted(world) as calls:
            alice.get("/api/jobs")
        assert len(calls) == 2, calls


def test_a_cold_start_imports_no_module_that_it_can_do_without() -> None:
    program = f"{DEPLOYED}\n{BASE}\nbase = set(sys.modules)\n{HANDLER}\nprint(*(set(sys.modules) - base))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    own = [module for module in loaded if module.split(".")[0] == "services"]

    assert len(own) <= OWN_MODULES, sorted(own)
    assert {module.split(".")[0] for module in loaded} - {"services"} <= LIBRARIES


@pytest.mark.alone
@pytest.mark.timeout(120)
def test_the_handler_imports_in_little_more_than_its_libraries_take(tmp_path: Path) -> None:
    """Processor time of both in fresh processes, alternating, the least of several: other work only ever adds.

    The first run compiles all modules into a folder of the test's, whatever this machine's settings say.
    """
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    compiled["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    least = dict.fromkeys((BASE, HANDLER), math.inf)
    for run in range(1, MOST + 1):
        for program in least:
            timed = f"{DEPLOYED}\nimport time; t = time.process_time()\n{program}\nprint(time.process_time() - t)"
            done = subprocess.run(
                [sys.executable, "-c", timed], env=compiled, capture_output=True, text=True, check=True
            )
            least[program] = min(least[program], float(done.stdout))
        if run >= FEWEST and least[HANDLER] <= RATIO * least[BASE]:
            return

    pytest.fail(f"{least[HANDLER]:.3f} s against {least[BASE]:.3f} s for the libraries alone")
