"""Vocabularies over the API: kept under a name, replaced, deleted, and copied into the jobs that name them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from services.common.domain.times import MINUTE_MS
from services.common.domain.vocabularies import (
    MAX_KEPT_CHARACTERS,
    MAX_VOCABULARIES,
    MAX_VOCABULARY_BYTES,
    MAX_WORD_CHARACTERS,
    MAX_WORDS,
    Vocabulary,
)
from services.common.store import keys
from services.common.store.vocabularies import Vocabularies
from tests.support.api_jobs import create, uploaded
from tests.support.gateway import Client, Reply
from tests.support.world import TABLE, World
from tests.support.written import lying

PLACE = "/api/vocabularies"
WORDS = ["Åsa Örjansdotter", "Kommunfullmäktige", "Sävar"]
OTHER = ["Holmön"]


def make(client: Client, name: str = "council", words: list[str] = WORDS, **more: Any) -> Reply:
    return client.post(PLACE, {"name": name, "words": words}, **more)


def patch(client: Client, words: list[str], name: str = "council") -> Reply:
    return client.call("PATCH", f"{PLACE}/{name}", {"words": words})


def listed(client: Client) -> list[str]:
    return [one["name"] for one in client.get(PLACE).json["vocabularies"]]


def named(client: Client, name: str = "council", **more: Any) -> Reply:
    """The answer to a job that names a vocabulary."""
    return client.post("/api/jobs", {"file_name": "möte.mp3", "options": {"vocabulary": name}}, **more)


def once_it_is_read(monkeypatch: pytest.MonkeyPatch, happen: Callable[[Vocabulary], object]) -> None:
    """Once, after a request has read the vocabulary and before it writes, this happens to the vocabulary."""
    real, left = Vocabularies.get, [happen]

    def get(vocabularies: Vocabularies, client_id: str, name: str) -> Vocabulary | None:
        found = real(vocabularies, client_id, name)
        if left and found:
            left.pop()(found)
        return found

    monkeypatch.setattr(Vocabularies, "get", get)


def test_a_vocabulary_is_kept_as_it_was_given_and_in_its_order(world: World, alice: Client) -> None:
    reply = make(alice)
    made = {"name": "council", "count": 3, "words": WORDS, "updated_at": "2027-01-15T08:00:00.000Z"}

    assert (reply.status, reply.headers["location"], reply.json) == (201, f"{PLACE}/council", made)
    assert alice.get(f"{PLACE}/council").json == made
    summary = {field: value for field, value in made.items() if field != "words"}
    assert alice.get(PLACE).json == {"vocabularies": [summary]}
    assert lying(world, keys.vocabulary("alice", "council"))["schema_version"] == 1


def test_vocabularies_are_listed_by_name(alice: Client) -> None:
    for name in ("b", "a-2", "a"):
        make(alice, name)

    assert listed(alice) == ["a", "a-2", "b"]


def test_a_vocabularys_words_are_replaced_as_a_whole(world: World, alice: Client) -> None:
    make(alice)
    world.clock.pass_(MINUTE_MS)
    reply = patch(alice, OTHER)

    changed = {"name": "council", "count": 1, "words": OTHER, "updated_at": "2027-01-15T08:01:00.000Z"}
    assert (reply.status, reply.json) == (200, changed)
    assert alice.get(f"{PLACE}/council").json == changed


def test_a_deleted_vocabulary_is_gone_and_its_name_is_free(alice: Client) -> None:
    make(alice)

    assert alice.delete(f"{PLACE}/council").status == 204
    replies = (alice.get(f"{PLACE}/council"), alice.delete(f"{PLACE}/council"), patch(alice, OTHER))
    assert [reply.status for reply in replies] == [404] * 3
    assert listed(alice) == []
    assert make(alice, words=OTHER).json["words"] == OTHER


def test_a_name_that_is_taken_is_refused_and_nothing_changes(alice: Client) -> None:
    make(alice)
    refused = make(alice, words=OTHER)

    assert (refused.status, refused.json["code"], refused.json["field"]) == (409, "VOCABULARY_EXISTS", "name")
    assert alice.get(f"{PLACE}/council").json["words"] == WORDS


def test_another_clients_vocabulary_is_answered_like_one_that_does_not_exist(alice: Client, mallory: Client) -> None:
    make(alice)
    for method, body in (("GET", None), ("PATCH", {"words": OTHER}), ("DELETE", None)):
        theirs = mallory.call(method, f"{PLACE}/council", body)
        unknown = mallory.call(method, f"{PLACE}/no-such-list", body)
        assert (theirs.status, theirs.json["detail"]) == (404, unknown.json["detail"])
    assert (listed(mallory), make(mallory, words=OTHER).status) == ([], 201)
    assert alice.get(f"{PLACE}/council").json["words"] == WORDS


@pytest.mark.parametrize("name", ["Council", "å", "a" * 41, "-a", "%00", "a%2Fb", "a" * 3_000])
def test_a_name_that_no_vocabulary_can_have_is_not_found(alice: Client, name: str) -> None:
    assert alice.get(f"{PLACE}/{name}").json["code"] == "NOT_FOUND"


def test_a_client_has_at_most_fifty_and_the_place_of_a_deleted_one_is_free(alice: Client, mallory: Client) -> None:
    made = [make(alice, f"list-{number}", OTHER) for number in range(MAX_VOCABULARIES)]
    assert {reply.status for reply in made} == {201}
    assert make(alice, "list-0").json["code"] == "VOCABULARY_EXISTS"

    refused = make(alice, "one-more")

    assert (refused.status, refused.json["code"]) == (409, "TOO_MANY_VOCABULARIES")
    assert make(mallory).status == 201
    alice.delete(made[0].headers["location"])
    assert make(alice, "one-more").status == 201


def test_the_longest_vocabulary_is_kept_whole(alice: Client) -> None:
    words = [f"{number:04}".ljust(64, "x") for number in range(MAX_WORDS)]
    longest = ["å" * MAX_WORD_CHARACTERS]

    assert sum(len(word.encode()) for word in words) == MAX_VOCABULARY_BYTES
    assert make(alice, "long", words).status == 201
    assert alice.get(f"{PLACE}/long").json["words"] == words
    assert make(alice, "wide", longest).json["words"] == longest


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["Umeå", "Sävar", "Umeå"], "Give each word once: 'Umeå' is there 2 times."),
        (["x" + f"{number:04}".ljust(64, "x") for number in range(1_000)], "They have 65000 bytes together"),
        ([f"ord {number}" for number in range(1_001)], "It must have at most 1000 entries."),
        ([], "It must have 1 or more entries."),
    ],
    ids=["twice", "too many bytes", "too many", "none"],
)
def test_words_that_make_no_vocabulary_are_refused_in_a_sentence(
    alice: Client, words: list[str], sentence: str
) -> None:
    make(alice)
    for reply in (make(alice, "other", words), patch(alice, words)):
        (error,) = reply.json["errors"]
        assert (reply.status, error["field"]) == (422, "words")
        assert error["message"].startswith(sentence)
    assert alice.get(f"{PLACE}/council").json["words"] == WORDS


def test_a_post_that_is_sent_twice_under_one_key_happens_once(world: World, alice: Client) -> None:
    first = make(alice, idempotency_key="once-1")
    second = make(alice, idempotency_key="once-1")
    assert (second.status, second.json) == (201, first.json)
    assert second.headers["idempotent-replayed"] == "true"
    assert make(alice, words=OTHER, idempotency_key="once-1").json["code"] == "IDEMPOTENCY_KEY_REUSED"

    alice.delete(f"{PLACE}/council")
    assert make(alice, idempotency_key="once-1").json["code"] == "DELETED_SINCE"
    assert lying(world, keys.client("alice"))["vocabularies"] == 0


def test_a_change_that_meets_a_deletion_makes_nothing(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for method, body in (("PATCH", {"words": OTHER}), ("DELETE", None)):
        make(alice)
        once_it_is_read(monkeypatch, world.store.vocabularies.remove)
        assert alice.call(method, f"{PLACE}/council", body).json["code"] == "NOT_FOUND"
        assert listed(alice) == []
    assert lying(world, keys.client("alice"))["vocabularies"] == 0


def test_a_job_shows_the_name_and_keeps_the_words_whatever_becomes_of_the_vocabulary(
    world: World, alice: Client
) -> None:
    make(alice)
    reply = named(alice)
    patch(alice, OTHER)
    later = named(alice)
    alice.delete(f"{PLACE}/council")

    assert (reply.status, reply.json["options"]["vocabulary"], reply.json["options"]["hotwords"]) == (
        201,
        "council",
        None,
    )
    kept = [world.job(one.json["job_id"]).vocabulary for one in (reply, later)]
    assert kept == [{"words": WORDS, "count": 3}, {"words": OTHER, "count": 1}]
    assert "Kommunfullmäktige" not in reply.body
    assert alice.get(reply.headers["location"]).json["options"]["vocabulary"] == "council"


def test_a_job_keeps_no_more_of_a_long_vocabulary_than_a_model_could_read(world: World, alice: Client) -> None:
    words = [f"Ord nummer {number}" for number in range(MAX_WORDS)]
    make(alice, words=words)
    kept = world.job(named(alice).json["job_id"]).vocabulary
    assert kept

    assert kept["count"] == MAX_WORDS
    assert kept["words"] == words[: len(kept["words"])]
    longer = ", ".join(words[: len(kept["words"]) + 1])
    assert len(", ".join(kept["words"])) <= MAX_KEPT_CHARACTERS < len(longer) + 2


@pytest.mark.parametrize("owner", ["nobody", "mallory"])
def test_a_job_that_names_a_vocabulary_which_is_not_the_clients_is_not_made(
    alice: Client, mallory: Client, owner: str
) -> None:
    if owner == "mallory":
        make(mallory)
    refused = named(alice)

    assert (refused.status, refused.json["code"]) == (422, "UNKNOWN_VOCABULARY")
    assert refused.json["field"] == "options.vocabulary"
    assert alice.get("/api/jobs").json["jobs"] == []


def test_a_job_that_is_asked_for_again_is_the_same_after_its_vocabulary_is_gone(alice: Client) -> None:
    make(alice)
    first = named(alice, idempotency_key="once-1")
    alice.delete(f"{PLACE}/council")
    second = named(alice, idempotency_key="once-1")

    assert (second.status, second.json["job_id"]) == (201, first.json["job_id"])


def test_a_job_that_meets_a_change_of_its_vocabulary_has_the_words_that_it_read(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(alice)
    once_it_is_read(monkeypatch, lambda found: world.store.vocabularies.replace(found, OTHER, world.clock()))
    kept = world.job(named(alice).json["job_id"]).vocabulary

    assert kept == {"words": WORDS, "count": 3}
    assert alice.get(f"{PLACE}/council").json["words"] == OTHER


def test_a_claimed_job_has_its_words_and_an_erased_one_has_not(world: World, alice: Client) -> None:
    make(alice)
    running, _ = world.claimed(uploaded(world, alice, options={"vocabulary": "council"}))
    assert running.vocabulary == {"words": WORDS, "count": 3}
    alice.delete(f"{PLACE}/council")
    assert "Kommunfullmäktige" in everything(world)

    alice.delete(f"/api/jobs/{running.job_id}")

    assert "Kommunfullmäktige" not in everything(world)


def everything(world: World) -> str:
    return json.dumps(world.dynamodb.scan(TableName=TABLE)["Items"], ensure_ascii=False, default=repr)


def test_what_an_upload_asks_of_its_client_leaves_the_vocabularies_unread(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(alice)
    alice.post("/api/callbacks", {"url": "https://hooks.example.com/"})
    read: list[Any] = []
    real = world.dynamodb.query

    def query(**request: Any) -> Any:
        answer = real(**request)
        read.extend(answer["Items"])
        return answer

    monkeypatch.setattr(world.store.callbacks._table._client, "query", query)
    found = world.store.callbacks.look_up_client("alice")

    assert (found.known, len(found.callbacks)) == (True, 1)
    assert {item["sk"]["S"].partition("#")[0] for item in read} == {"CALLBACK", "CLIENT"}


def test_a_job_without_a_vocabulary_keeps_no_words(world: World, alice: Client) -> None:
    assert world.job(create(alice)["job_id"]).vocabulary is None
