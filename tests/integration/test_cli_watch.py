"""`transcribe watch` on the table: what it shows, and how little it reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from typer.testing import CliRunner

from services.cli.errors import Exit
from services.cli.main import app
from services.cli.operator import deployment
from services.cli.operator.days import last_days
from services.cli.operator.watch import looking as looking_module
from services.cli.operator.watch import watch as module
from services.cli.operator.watch.ledger import LAG_MS, Ledger
from services.cli.operator.watch.looking import LEDGER_MS, Looking
from services.cli.operator.watch.snapshot import WORKS, Snapshot
from services.common.domain.machines import Slot
from services.common.domain.states import JobStatus, SlotStatus
from services.common.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS, now_ms
from tests.support.documents import text_of
from tests.support.items import queued
from tests.support.world import TABLE, World
from tests.support.written import put_job

COST = {"machine_seconds": 36.0, "dollars": 0.0019}


@pytest.fixture(autouse=True)
def environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", TABLE)
    for cached in (deployment.settings, deployment.store):
        cached.cache_clear()
    world.store.clients.register("alice")
    world.clock.now = now_ms()


def completed(world: World, name: str, **more: Any) -> None:
    now = world.clock()
    usual: dict[str, Any] = {"created_at": now, "result": {"attempt": 1, "duration_seconds": 60.0}, "cost": COST}
    put_job(world, name, **{"status": JobStatus.COMPLETED, "times": {"completed": now}, **usual, **more})


def test_one_look_is_printed_where_there_is_no_terminal(world: World) -> None:
    completed(world, "job_1")
    day, hour, machines, queue, end = CliRunner().invoke(app, ["watch"], catch_exceptions=False).stdout.splitlines()
    assert "today $0.0019, 1 job, 0 failed, $0.1140 an hour of audio" in day
    assert (hour, machines, queue) == ("last hour  1 job completed, 0.0 h of audio", "no machine", "queue empty")
    assert end.endswith("alice  job_1")


def test_programs_get_a_look_as_one_line(world: World) -> None:
    completed(world, "job_1")
    (line,) = CliRunner().invoke(app, ["watch", "--once", "--json"], catch_exceptions=False).stdout.splitlines()
    assert json.loads(line)["today"]["jobs"] == 1


def test_the_queue_the_machines_and_their_work_are_there(world: World) -> None:
    now = world.clock()
    world.store.slots.take(
        Slot(slot="00", status=SlotStatus.RUNNING, launch_id="l", request={}, taken_at=now, owner="worker")
    )
    world.claimed(queued(world, "job_1"))
    waits = queued(world, "job_2")
    world.store.jobs.waits(waits.job_id, "capacity", "EC2 has none.")
    look = Looking(world.store).look(now + MINUTE_MS)
    assert (look.queue.jobs, look.queue.oldest_wait_seconds, look.queue.waiting_reason) == (1, 60, "EC2 has none.")
    (machine,) = look.machines
    assert (machine.name, machine.stage, machine.age_seconds) == ("00", WORKS, 60)
    assert [work.job_id for work in machine.parts] == ["job_1"]


def test_an_end_and_its_money_are_seen_some_seconds_later(world: World) -> None:
    looking, now = Looking(world.store), world.clock()
    assert looking.look(now).today["jobs"] == 0
    completed(world, "job_1")
    assert looking.look(now + LEDGER_MS - 1).today["jobs"] == 0
    look = looking.look(now + LEDGER_MS)
    assert (look.today["dollars"], look.jobs_an_hour, look.audio_seconds_an_hour) == (0.0019, 1, 60)


def test_what_has_settled_is_counted_once_and_not_read_again(world: World) -> None:
    now, ledger = world.clock(), Ledger(world.store)
    for number in range(5):
        completed(world, f"job_{number}", created_at=now - LAG_MS - 10 + number // 2)
    put_job(world, "job_open", created_at=now - LAG_MS - 5)
    completed(world, "job_later", created_at=now - LAG_MS - 3)
    with heard(world, "after-call.dynamodb.Query") as calls:
        for _ in range(3):
            ledger.read(now)
            assert (ledger.today.jobs, ledger.today.open) == (7, 1)
    pages = [call["parsed"]["Items"] for call in calls]
    first, *later = [len(items) for items in pages if items and "sort" in items[0]]
    # The last settled job is the place from which the index is read.
    assert (first, later) == (7, [3, 3])


def test_a_new_day_begins_at_nothing_and_the_last_hour_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    midnight = last_days(1, datetime.now().astimezone().date()).until
    completed(world, "job_1", created_at=midnight - MINUTE_MS, times={"completed": midnight - 1})
    ledger = Ledger(world.store)
    for now, jobs, ends in ((midnight - 1, 1, 1), (midnight + MINUTE_MS, 0, 1), (midnight + HOUR_MS, 0, 0)):
        ledger.read(now)
        assert (ledger.today.jobs, len(ledger.ends())) == (jobs, ends)


def test_the_queue_is_not_read_beyond_what_is_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking_module, "MOST_QUEUED", 2)
    for number in range(4):
        queued(world, f"job_{number}")
    found = Looking(world.store).look(world.clock()).queue
    assert (found.parts, found.is_whole) == (2, False)


def test_an_hour_of_watching_an_idle_deployment_costs_as_many_reads_as_the_document_says(world: World) -> None:
    """A read of an index is half a unit, a consistent one is a unit, up to 4 KB each."""
    looking, now = Looking(world.store), world.clock()
    looks = range(0, HOUR_MS, round(module.EVERY_SECONDS * SECOND_MS))
    with heard(world, "provide-client-params.dynamodb.*") as calls:
        for passed in looks[:10]:
            looking.look(now + passed)
    units = sum(1 if call["params"].get("ConsistentRead") else 0.5 for call in calls) * len(looks) / 10
    (told,) = re.findall(r"about ([\d,]+) read units an hour", text_of("docs/command-line.md"))
    assert units == pytest.approx(int(told.replace(",", "")), rel=0.1)


def test_a_look_that_fails_is_told_and_the_next_one_follows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real, looks = Looking.look, iter((True, False, True))

    def look(looking: Looking, now: int) -> Snapshot:
        if next(looks):
            return real(looking, now)
        raise EndpointConnectionError(endpoint_url="https://dynamodb.example.com")

    presses = iter((False, False, True))
    monkeypatch.setattr(Looking, "look", look)
    monkeypatch.setattr(module, "keyboard", lambda: nullcontext(lambda _: next(presses)))
    done = CliRunner().invoke(app, ["watch", "--json"], catch_exceptions=False)
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr.startswith("transcribe: AWS cannot be reached")


def test_a_first_look_that_fails_ends_the_command(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", "of-nobody")
    deployment.settings.cache_clear()
    done = CliRunner().invoke(app, ["watch"], catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (Exit.REFUSED, "")
    assert "There is no table of-nobody" in done.stderr


@contextmanager
def heard(world: World, event: str) -> Iterator[list[dict[str, Any]]]:
    """What botocore tells of each call meanwhile."""
    told: list[dict[str, Any]] = []

    def hear(**more: Any) -> None:
        told.append(more)

    world.dynamodb.meta.events.register(event, hear)
    yield told
    world.dynamodb.meta.events.unregister(event, hear)
