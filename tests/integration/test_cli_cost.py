"""`transcribe cost` on the table: which jobs it counts, and what it says of those that it cannot know."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.cli.operator import deployment
from services.cli.operator.bill import Bill
from services.common.domain.records import part_name
from services.common.domain.states import JobStatus, PartStatus
from services.common.domain.times import DAY_MS
from tests.support.documents import text_of
from tests.support.world import TABLE, World
from tests.support.written import put_job, put_part

TODAY = date(2026, 11, 18)
"""A day that stays the same, also if the tests run over midnight."""
NOON = int(datetime.combine(TODAY, time(12)).astimezone().timestamp()) * 1_000
COST = {"machine_seconds": 36.0, "dollars": 0.0019, "market": "spot", "instance_type": "g4dn.xlarge"}


@pytest.fixture(autouse=True)
def environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", TABLE)
    monkeypatch.setattr("services.cli.cost._day_here", lambda: TODAY)
    for cached in (deployment.settings, deployment.store):
        cached.cache_clear()
    for client in ("alice", "bob", "carol"):
        world.store.clients.register(client)


def completed(world: World, name: str, **more: Any) -> None:
    result = {"attempt": 1, "duration_seconds": 3_600.0}
    usual: dict[str, Any] = {"status": JobStatus.COMPLETED, "created_at": NOON, "cost": COST, "result": result}
    put_job(world, name, **usual | more)


def cost(*arguments: str) -> tuple[list[list[str]], str]:
    done = CliRunner().invoke(app, ["cost", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return [line.split("\t") for line in done.stdout.splitlines()], done.stderr


def test_jobs_are_added_up_by_client_and_in_all(world: World) -> None:
    completed(world, "job_1")
    completed(world, "job_2", result={"attempt": 3, "duration_seconds": 1_800.0})
    completed(world, "job_3", client_id="bob")
    completed(world, "job_4", client_id="default")
    rows, _ = cost()
    assert rows == [
        ["alice", "$0.0038", "$0.0025", "2", "2", "0", "1.50", "0.02", "2"],
        ["bob", "$0.0019", "$0.0019", "1", "1", "0", "1.00", "0.01", "0"],
        ["default", "$0.0019", "$0.0019", "1", "1", "0", "1.00", "0.01", "0"],
        ["in all", "$0.0076", "$0.0022", "4", "4", "0", "3.50", "0.04", "2"],
    ]
    assert [row[0] for row in cost("--client", "bob")[0]] == ["bob", "in all"]


def test_a_job_counts_on_the_day_on_which_it_was_made(world: World) -> None:
    begins = int(datetime(TODAY.year, TODAY.month, TODAY.day).astimezone().timestamp()) * 1_000
    for number, created in enumerate((begins - 1, begins, NOON, NOON - 6 * DAY_MS, NOON - 29 * DAY_MS)):
        completed(world, f"job_{number}", created_at=created)
    counts = {option: cost(option)[0][-1][3] for option in ("--day", "--week", "--month")}
    assert counts == {"--day": "2", "--week": "4", "--month": "5"}
    yesterday = str(TODAY - timedelta(days=1))
    assert cost("--since", yesterday, "--until", yesterday)[0][-1][3] == "1"
    assert cost("--since", str(TODAY - timedelta(days=6)))[0][-1][3] == "4"


def test_interruptions_of_a_recording_in_parts_and_of_a_failed_one_are_read_from_their_parts(world: World) -> None:
    completed(world, "job_1", parts=2, times={"claimed": 1})
    put_part(world, "job_1", part_name(0), status=PartStatus.DONE, attempt=2)
    put_part(world, "job_1", part_name(1), status=PartStatus.DONE, attempt=3)
    put_job(world, "job_2", status=JobStatus.FAILED, created_at=NOON, times={"claimed": 1}, cost=COST)
    put_part(world, "job_2", status=PartStatus.FAILED, attempt=2)
    (alice, _), _ = cost()
    assert (alice[4:6], alice[-1]) == (["1", "1"], "4")


def test_what_is_not_known_is_said(world: World) -> None:
    completed(world, "job_1", cost={"machine_seconds": 9.0, "market": "own"})
    put_job(world, "job_2", created_at=NOON)
    _, told = cost()
    assert "Jobs that have not ended: 1. What they have cost is not known yet, or only in part." in told
    assert "Jobs on own boxes, or types without a price in prices.py: 1." in told
    assert "erased or are older than the deployment keeps them (retention_days)" in told


def test_a_client_without_jobs_has_a_bill_of_nothing_and_one_that_there_is_not_is_said_to_be_none() -> None:
    nothing = ["$0.0000", "-", "0", "0", "0", "0.00", "0.00", "0"]
    for client, is_known in (("carol", True), ("default", True), ("carl", False)):
        rows, told = cost("--client", client)
        assert rows == [[client, *nothing], ["in all", *nothing]]
        assert (f"No client is called {client}" in told) is not is_known


def test_days_to_come_have_no_jobs_and_a_stretch_may_end_in_them(world: World) -> None:
    completed(world, "job_1")
    later = str(TODAY + timedelta(days=400))
    assert cost("--since", later, "--until", later)[0][-1][3] == "0"
    assert cost("--since", "1971-01-01", "--until", "9998-12-31")[0][-1][3] == "1"


def test_programs_get_a_document_with_numbers(world: World) -> None:
    completed(world, "job_1")
    done = CliRunner().invoke(app, ["cost", "--json"], catch_exceptions=False)
    document = json.loads(done.stdout)
    assert (document["since"], document["until"]) == (str(TODAY), str(TODAY))
    assert document["clients"] == [{"client": "alice", **document["all"]}]
    assert document["all"]["dollars"] == 0.0019


def test_jobs_are_read_page_by_page(world: World) -> None:
    """DynamoDB gives a megabyte at most in one page."""
    for number in range(4):
        completed(world, f"job_{number}", created_at=NOON + number, metadata={"note": "x" * 380_000})
    queries: list[str] = []
    events = deployment.store()._table._client.meta.events
    events.register("before-call.dynamodb.Query", lambda model, **_: queries.append(model.name))
    assert cost("--client", "alice")[0][-1][3] == "4"
    assert len(queries) > 1


def test_the_document_names_every_field_of_a_bill() -> None:
    text = text_of("docs/command-line.md")
    bill = text[text.index("A bill is `jobs`") : text.index("`unpriced_jobs`.") + len("`unpriced_jobs`.")]
    assert re.findall(r"`(\w+)`", bill) == list(Bill().to_json())
