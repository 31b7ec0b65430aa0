"""Shares: a link opens one transcript to whoever holds it, lets them do what it says, and nothing else, and ends."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fastapi.routing import APIRoute

from services.api import late_routes
from services.common.domain.records import Job
from services.common.domain.shares import MAX_SHARES, MINUTE_LIMIT, ShareRight, share_of
from services.common.domain.times import DAY_MS, MINUTE_MS, SECOND_MS, rfc3339
from services.common.store.operations import ConditionFailedError
from tests.support.api_jobs import completed, create, keep_words
from tests.support.gateway import Client, Gateway, Reply
from tests.support.shares import SHARED, share
from tests.support.transcripts import dialogue
from tests.support.world import TABLE, World

HEARD = dialogue((0, "Hej du."), (1, "Hej själv."), formats=["json", "txt"], words=True)
CHANGES = [{"first": 2, "end": 4, "segments": [{"speaker": 1, "pieces": [[2, 3], "på dig."]}]}]
ANY_ID = {
    "job_id": "job_a",
    "callback_id": "cb_a",
    "delivery_id": "evt_a.cb_a",
    "share_id": "share_a",
    "name": "council",
}
OPEN_TO_ALL = {"/api/health", "/api/problems", "/api/problems/{name}"}


@pytest.fixture
def job(world: World, alice: Client) -> Job:
    done = completed(world, alice, names=["Anna", None], reference="case 7", metadata={"secret": "yes"})
    keep_words(world, done, HEARD)
    return done


@pytest.fixture
def reader(alice: Client, job: Job) -> Client:
    """Who holds a link to read."""
    return Client(alice.gateway, share(alice, job)["token"])


@pytest.fixture
def editor(alice: Client, job: Job) -> Client:
    """Who holds a link to correct."""
    return Client(alice.gateway, share(alice, job, right="correct")["token"])


def items_of(world: World, job_id: str) -> list[dict[str, Any]]:
    """What the table holds of a job, as DynamoDB writes it."""
    asked = {":pk": {"S": f"JOB#{job_id}"}}
    found: Any = world.dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues=asked,
    )
    return list(found["Items"])


def code(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["code"]


def every_route(gateway: Gateway) -> list[APIRoute]:
    late_routes.add_to(gateway.app)
    return [route for route in gateway.app.router.routes if isinstance(route, APIRoute)]


def test_a_share_has_a_link_whose_token_no_server_sees_and_nobody_is_shown_again(
    world: World, alice: Client, job: Job
) -> None:
    made = share(alice, job, right="correct", days=3, label="Anna at the desk")
    assert made["url"] == f"https://api.example.com/#share={made['token']}"
    assert made["ends_at"] == rfc3339(world.now + 3 * DAY_MS)
    (listed,) = alice.get(f"/api/jobs/{job.job_id}/shares").json["shares"]
    assert listed == {name: value for name, value in made.items() if name not in {"token", "url"}}
    assert made["token"].rsplit(".", 1)[-1] not in json.dumps(items_of(world, job.job_id), default=str)


def test_who_reads_gets_the_transcript_as_its_client_has_it(alice: Client, reader: Client, job: Job) -> None:
    for mine, theirs in (
        ("/words", "/words"),
        ("/correction", "/correction"),
        ("/transcript?format=srt&version=latest", "/transcript?format=srt"),
    ):
        own, other = alice.get(f"/api/jobs/{job.job_id}{mine}"), reader.get(f"/api/shared{theirs}")
        assert (own.status, other.status) == (200, 200)
        assert own.content == other.content


def test_who_reads_hears_the_recording_too(alice: Client, reader: Client, job: Job) -> None:
    own, other = alice.get(f"/api/jobs/{job.job_id}/recording"), reader.get("/api/shared/recording")
    assert (own.status, other.status) == (200, 200)
    assert own.json == other.json
    assert other.headers["cache-control"] == "no-store"


def test_a_share_tells_nothing_else_of_its_client(world: World, reader: Client, job: Job) -> None:
    told = reader.get("/api/shared")
    assert told.json["file_name"] == "möte.mp3"
    assert told.json["names"] == ["Anna"]
    whole = " ".join(reader.get(f"/api/shared{path}").body for path in ("", "/words", "/correction"))
    for hidden in ("alice", "case 7", "secret", job.source_key, "s3://", "dollars"):
        assert hidden not in whole


def test_no_version_in_json_has_the_clients_own_words(alice: Client, reader: Client, job: Job) -> None:
    own = alice.call("PUT", f"/api/jobs/{job.job_id}/correction", {"changes": CHANGES}, if_match='"0"')
    assert own.status == 200
    for version in ("latest", "1"):
        address = f"transcript?format=json&version={version}"
        clients, holders = (
            json.loads(reply.body)
            for reply in (alice.get(f"/api/jobs/{job.job_id}/{address}"), reader.get(f"/api/shared/{address}"))
        )
        assert clients.keys() - holders.keys() == {"reference", "metadata"}, version


def test_who_may_correct_does_and_the_correction_says_by_which_share(alice: Client, editor: Client, job: Job) -> None:
    saved = editor.call("PUT", "/api/shared/correction", {"changes": CHANGES}, if_match='"0"')
    assert (saved.status, saved.json["number"]) == (200, 1)
    (listed,) = alice.get(f"/api/jobs/{job.job_id}/shares").json["shares"]
    assert alice.get(f"/api/jobs/{job.job_id}/correction").json["by"] == listed["share_id"]
    assert "Hej på dig." in editor.get("/api/shared/transcript?format=txt").body
    named = editor.call("PATCH", "/api/shared", {"names": ["Anna", "Bo"]})
    assert named.json["names"] == ["Anna", "Bo"]
    assert alice.get(f"/api/jobs/{job.job_id}").json["names"] == ["Anna", "Bo"]


def test_of_two_people_the_later_one_is_told(alice: Client, editor: Client, job: Job) -> None:
    own = alice.call("PUT", f"/api/jobs/{job.job_id}/correction", {"changes": CHANGES}, if_match='"0"')
    assert own.status == 200
    late = editor.call("PUT", "/api/shared/correction", {"changes": []}, if_match='"0"')
    assert code(late) == (412, "CORRECTED_MEANWHILE")


def test_who_reads_may_not_correct(reader: Client) -> None:
    saved = reader.call("PUT", "/api/shared/correction", {"changes": CHANGES}, if_match='"0"')
    assert code(saved) == (403, "ONLY_TO_READ")
    assert code(reader.call("PATCH", "/api/shared", {"names": []})) == (403, "ONLY_TO_READ")
    assert reader.get("/api/shared/correction").json["number"] == 0


def test_a_token_opens_no_other_route(gateway: Gateway, editor: Client, job: Job) -> None:
    ids = ANY_ID | {"job_id": job.job_id}
    tried = 0
    for route in every_route(gateway):
        if route.path.startswith(SHARED) or route.path in OPEN_TO_ALL:
            continue
        for method in route.methods or ():
            assert code(editor.call(method, route.path.format(**ids))) == (401, "UNAUTHORIZED"), route.path
            tried += 1
    assert tried > 30


def test_a_key_opens_no_share(gateway: Gateway, alice: Client, reader: Client) -> None:
    tried = 0
    for route in every_route(gateway):
        if route.path.startswith(SHARED):
            for method in route.methods or ():
                assert code(alice.call(method, route.path)) == (401, "SHARE_ENDED"), route.path
                tried += 1
    assert tried >= 6


@pytest.mark.parametrize(
    "changed",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token + "A",
        lambda token: token.rsplit(".", 1)[0],
        lambda _: "",
        lambda _: "job_a.share_b." + "x" * 43,
        lambda _: "\u00e5" * 100,
    ],
    ids=["another-secret", "longer", "no-secret", "empty", "unknown", "letters"],
)
def test_another_token_opens_nothing(reader: Client, changed: Any) -> None:
    wrong = Client(reader.gateway, changed(reader.api_key).encode().decode("latin-1"))
    assert code(wrong.get("/api/shared")) == (401, "SHARE_ENDED")


def test_the_token_of_one_job_opens_no_other(world: World, alice: Client, reader: Client) -> None:
    other = completed(world, alice)
    _, rest = reader.api_key.split(".", 1)
    assert code(Client(reader.gateway, f"{other.job_id}.{rest}").get("/api/shared")) == (401, "SHARE_ENDED")


def test_a_share_ends_by_itself(world: World, alice: Client, reader: Client, job: Job) -> None:
    world.clock.pass_(7 * DAY_MS - 1)
    assert reader.get("/api/shared").status == 200
    world.clock.pass_(1)
    assert code(reader.get("/api/shared")) == (401, "SHARE_ENDED")
    assert alice.get(f"/api/jobs/{job.job_id}/shares").json == {"shares": []}


def test_a_share_ends_with_its_job_at_the_latest(world: World, job: Job) -> None:
    short = replace(job, expires_at=world.now // SECOND_MS + 60)
    made = share_of(short, "share_a", "secret", ShareRight.READ, days=1, label=None, now=world.now)
    assert made.ends_at == world.now // SECOND_MS * SECOND_MS + 60 * SECOND_MS


def test_a_share_that_is_taken_back_opens_nothing(alice: Client, job: Job) -> None:
    made = share(alice, job)
    address = f"/api/jobs/{job.job_id}/shares/{made['share_id']}"
    assert alice.call("DELETE", address).status == 204
    assert code(Client(alice.gateway, made["token"]).get("/api/shared")) == (401, "SHARE_ENDED")
    assert code(alice.call("DELETE", address)) == (404, "NOT_FOUND")


def test_an_erased_job_takes_its_shares_along(world: World, alice: Client, reader: Client, job: Job) -> None:
    receipt = alice.call("DELETE", f"/api/jobs/{job.job_id}").json
    assert receipt["removed"]["records"] >= 1
    assert code(reader.get("/api/shared")) == (401, "SHARE_ENDED")
    assert [item["sk"]["S"] for item in items_of(world, job.job_id)] == ["JOB"]


def test_no_share_is_made_of_a_job_that_is_erased_at_the_same_moment(world: World, alice: Client, job: Job) -> None:
    alice.call("DELETE", f"/api/jobs/{job.job_id}")
    late = share_of(job, "share_a", "secret", ShareRight.READ, days=1, label=None, now=world.now)
    with pytest.raises(ConditionFailedError):
        world.store.commit(world.store.shares.addition(late))


def test_a_share_may_make_so_many_requests_a_minute(world: World, reader: Client) -> None:
    for _ in range(MINUTE_LIMIT):
        assert reader.get("/api/shared/nothing").status == 404  # is not counted
    for _ in range(MINUTE_LIMIT):
        assert reader.get("/api/shared").status == 200
    limited = reader.get("/api/shared")
    assert code(limited) == (429, "TOO_MANY_REQUESTS")
    assert 0 < int(limited.headers["retry-after"]) <= MINUTE_MS // SECOND_MS + 1
    world.clock.pass_(MINUTE_MS)
    assert reader.get("/api/shared").status == 200


def test_a_job_has_so_many_shares_at_most_and_one_taken_back_makes_room(alice: Client, job: Job) -> None:
    made = [share(alice, job) for _ in range(MAX_SHARES)]
    assert code(alice.post(f"/api/jobs/{job.job_id}/shares", {})) == (409, "TOO_MANY_SHARES")
    alice.call("DELETE", f"/api/jobs/{job.job_id}/shares/{made[0]['share_id']}")
    share(alice, job)


def test_a_repeated_request_makes_one_share_with_one_token(alice: Client, job: Job) -> None:
    first, again = (alice.post(f"/api/jobs/{job.job_id}/shares", {"days": 2}, idempotency_key="once") for _ in "ab")
    assert first.json == again.json
    assert again.headers["idempotent-replayed"] == "true"
    assert len(alice.get(f"/api/jobs/{job.job_id}/shares").json["shares"]) == 1


def test_only_a_completed_job_of_ones_own_is_shared(alice: Client, mallory: Client, job: Job) -> None:
    waiting = create(alice)["job_id"]
    assert code(alice.post(f"/api/jobs/{waiting}/shares", {})) == (409, "NOT_COMPLETED")
    for method, address in (("POST", "shares"), ("GET", "shares"), ("DELETE", "shares/share_a")):
        reply = mallory.call(method, f"/api/jobs/{job.job_id}/{address}", {} if method == "POST" else None)
        assert code(reply) == (404, "NOT_FOUND")


def test_a_deployment_without_a_page_gives_the_token_alone(world: World) -> None:
    alice = Gateway(world, page=False).client("alice")
    done = completed(world, alice)
    made = share(alice, done)
    assert made["url"] is None
    assert made["token"].startswith(done.job_id)
