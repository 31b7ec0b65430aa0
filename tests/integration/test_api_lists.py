"""Filters of lists: they show what was asked for, all of it and once, however little of it there is."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from services.common.domain.events import EventType
from services.common.domain.records import KNOWN_VERSIONS
from services.common.domain.states import JobStatus
from services.common.domain.times import SECOND_MS
from services.common.store import codec, keys
from tests.support.api_jobs import FAILED, completed, finished, put_many, uploaded
from tests.support.gateway import Client
from tests.support.world import World

TOGETHER = "Ärende 2026/17"
APART = unicodedata.normalize("NFD", TOGETHER)


def pages(client: Client, query: str) -> Iterator[list[str]]:
    """The ids of the jobs on each page of a list."""
    after = ""
    while True:
        page = client.get(f"/api/jobs?{query}{after}").json
        yield [job["job_id"] for job in page["jobs"]]
        if page["next"] is None:
            return
        after = f"&after={page['next']}"


def listed(client: Client, query: str) -> list[str]:
    return [job_id for page in pages(client, query) for job_id in page]


def read_items(world: World, request: Callable[[], Any]) -> int:
    """How many items the queries of a request have read."""
    read: list[int] = []

    def note(parsed: dict[str, Any], **_: Any) -> None:
        read.append(parsed["ScannedCount"])

    world.dynamodb.meta.events.register("after-call.dynamodb.Query", note)
    try:
        request()
    finally:
        world.dynamodb.meta.events.unregister("after-call.dynamodb.Query", note)
    return sum(read)


def test_jobs_are_listed_by_their_states(world: World, alice: Client) -> None:
    queued, failed, done = uploaded(world, alice), finished(world, alice, FAILED), completed(world, alice)

    assert listed(alice, "status=queued") == [queued.job_id]
    assert set(listed(alice, "status=failed&status=completed")) == {failed.job_id, done.job_id}
    assert listed(alice, "status=expired") == []


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Möte i STYRELSEN.mp3", "möte i st"),
        ("MÖTE.mp3", "möte"),
        ("möte.mp3", "MÖTE"),
        (unicodedata.normalize("NFD", "Möte.mp3"), "MÖTE"),
        ("möte.mp3", unicodedata.normalize("NFD", "Möte")),
        ("Straße.wav", "STRASSE"),
        ("a+b & c.wav", "b & C"),
    ],
)
def test_a_search_finds_a_part_of_the_name_in_any_case_and_spelling(
    world: World, alice: Client, name: str, query: str
) -> None:
    job = uploaded(world, alice, file_name=name)
    uploaded(world, alice, file_name="other.mp3")

    assert listed(alice, f"q={quote(query)}") == [job.job_id]


def test_letters_with_accents_are_not_found_without_them(world: World, alice: Client) -> None:
    uploaded(world, alice, file_name="möte.mp3")

    assert listed(alice, "q=mo") == []


def test_a_reference_is_found_exactly_or_by_a_search(world: World, alice: Client) -> None:
    first, second = uploaded(world, alice), uploaded(world, alice)
    world.change(keys.job(first.job_id), reference="Ärende 2026/17")
    world.change(keys.job(second.job_id), reference="Ärende 2026/171")

    assert listed(alice, f"reference={quote('Ärende 2026/17')}") == [first.job_id]
    assert listed(alice, f"reference={quote('ärende 2026/17')}") == []
    assert set(listed(alice, f"q={quote('ärende')}")) == {first.job_id, second.job_id}


@pytest.mark.parametrize(("given", "asked"), [(TOGETHER, APART), (APART, TOGETHER)], ids=["together", "apart"])
def test_a_reference_is_found_however_its_letters_are_spelt(alice: Client, given: str, asked: str) -> None:
    made = alice.post("/api/jobs", {"file_name": "a.mp3", "reference": given}).json

    assert made["reference"] == given, "it is kept as it was given"
    assert listed(alice, f"reference={quote(asked)}") == [made["job_id"]]


def test_filters_hold_together(world: World, alice: Client) -> None:
    wanted = finished(world, alice, FAILED, file_name="board.mp3")
    finished(world, alice, FAILED, file_name="staff.mp3")
    uploaded(world, alice, file_name="board.mp3")

    assert listed(alice, "status=failed&q=board") == [wanted.job_id]
    assert listed(alice, "status=failed&q=board&reference=none") == []


def test_a_filter_shows_no_other_clients_jobs(world: World, alice: Client, mallory: Client) -> None:
    uploaded(world, alice)

    assert listed(mallory, f"q={quote('möte')}") == []


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_page_by_page_everything_that_matches_comes_once_and_in_order(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """The first match is behind all that one request looks at, and others stand around the end of that."""
    monkeypatch.setattr(codec, "MOST_LOOKED_AT", 19)
    monkeypatch.setattr(codec, "LOOKED_AT_ONCE", 8)
    matching = {18, 19, 20, 21, 37, 38, 59}
    jobs = put_many(world, 60, file_name=lambda number: "wanted" if number in matching else "other")
    found = list(pages(alice, f"q=wanted&limit={limit}"))

    assert [job_id for page in found for job_id in page] == [jobs[number].job_id for number in sorted(matching)]
    assert max(map(len, found)) <= limit


def test_a_request_looks_at_500_jobs_at_most_and_goes_on_behind_them(world: World, alice: Client) -> None:
    jobs = put_many(world, 600, file_name=lambda number: "wanted" if number == 499 else "other")

    assert read_items(world, lambda: alice.get("/api/jobs?q=wanted")) == 500
    assert list(pages(alice, "q=wanted")) == [[], [jobs[499].job_id]]


def test_a_page_without_a_filter_reads_one_item_more_than_it_shows(world: World, alice: Client) -> None:
    put_many(world, 120)

    assert read_items(world, lambda: alice.get("/api/jobs")) == 51
    assert read_items(world, lambda: alice.get("/api/jobs?limit=100")) == 101


def test_a_cursor_leads_on_from_one_filter_to_another(world: World, alice: Client) -> None:
    jobs = put_many(world, 6, status=lambda number: JobStatus.FAILED if number % 2 else JobStatus.QUEUED)
    cursor = alice.get("/api/jobs?status=queued&limit=1").json["next"]

    assert listed(alice, f"status=failed&after={cursor}") == [jobs[number].job_id for number in (1, 3, 5)]


def test_a_job_of_another_release_neither_shows_nor_ends_the_list(world: World, alice: Client) -> None:
    jobs = put_many(world, 5)
    for number in (1, 2):
        world.change(keys.job(jobs[number].job_id), schema_version=max(KNOWN_VERSIONS) + 1)

    for query in ("limit=2", "limit=2&status=queued"):
        assert listed(alice, query) == [jobs[number].job_id for number in (0, 3, 4)]


def heard(client: Client, query: str) -> list[str]:
    """The types of all events of a feed, which is read until `next` stands still."""
    types, after = [], ""
    while True:
        page = client.get(f"/api/events?{query}{after}").json
        types += [event["type"] for event in page["events"]]
        if page["next"] is None or after == f"&after={page['next']}":
            return types
        after = f"&after={page['next']}"


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_the_feed_shows_events_of_some_types_once_each(world: World, alice: Client, limit: int) -> None:
    for _ in range(3):
        finished(world, alice, FAILED)
    completed(world, alice)
    world.clock.pass_(6 * SECOND_MS)

    failed, completed_ = EventType.FAILED.value, EventType.COMPLETED.value
    assert heard(alice, f"limit={limit}&type={failed}") == [failed] * 3
    assert sorted(heard(alice, f"limit={limit}&type={failed}&type={completed_}")) == [completed_, *[failed] * 3]


def test_a_filtered_feed_moves_past_what_it_has_looked_at(world: World, alice: Client) -> None:
    """An empty page leads on all the same: what comes later stands behind its `next`, and is not read again."""
    uploaded(world, alice)
    world.clock.pass_(6 * SECOND_MS)
    empty = alice.get("/api/events?type=transcription.completed").json
    assert empty["events"] == []
    assert alice.get(f"/api/events?after={empty['next']}").json == {"events": [], "next": empty["next"]}

    completed(world, alice)
    world.clock.pass_(6 * SECOND_MS)
    later = alice.get(f"/api/events?type=transcription.completed&after={empty['next']}").json
    assert [event["type"] for event in later["events"]] == ["transcription.completed"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("jobs?status=done", "status"),
        ("jobs?status=", "status"),
        ("jobs?status=queued&status=x", "status"),
        ("jobs?q=", "q"),
        (f"jobs?q={'x' * 101}", "q"),
        ("jobs?reference=", "reference"),
        (f"jobs?reference={'x' * 81}", "reference"),
        ("events?type=transcription", "type"),
        ("events?type=callback.test", "type"),
    ],
)
def test_a_filter_that_nothing_could_pass_is_refused(alice: Client, query: str, field: str) -> None:
    reply = alice.get(f"/api/{query}")

    assert (reply.status, reply.json["code"]) == (422, "INVALID_REQUEST")
    assert [error["field"] for error in reply.json["errors"]] == [field]
