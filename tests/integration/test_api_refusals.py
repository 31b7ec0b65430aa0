"""What is wrong is refused in one shape, names its field, and tells nobody anything about others."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from services.common.domain.times import MINUTE_MS
from tests.support.api_jobs import completed
from tests.support.gateway import Client, Gateway, Reply
from tests.support.shares import who_may
from tests.support.world import World

URL = "https://hooks.example.com/"
HUGE = "x" * 20_000
NO_TEXT: list[Any] = [0, 1.5, True, [], {}, ["a"], {"a": 1}, HUGE]
NO_WORD: list[Any] = [*NO_TEXT, "", "no such word", "\x00", "åäö", None]
NO_LIST: list[Any] = [0, "json", True, {}, [], [0], [None], [[]], ["no such word"], ["x"] * 1_000, None]
NO_VOCABULARY_WORD = ("", " ", " Umeå", "Umeå ", "a\nb", "\x00", "\u202e", "\ud800", "å" * 81)
TOO_MANY = [f"ord {number}" for number in range(1_001)]
NO_FLAG: list[Any] = [0, 1, "true", "", [], {}, None]
WRONG: dict[str, dict[str, list[Any]]] = {
    "/api/callbacks": {
        "url": [*NO_TEXT, None, "", "\x00", "https://", "https://å.example.com/", "https://a.example.com/\ud800"],
        "events": NO_LIST,
        "prefix": [*NO_TEXT, None, "\ud800"],
        "challenge": NO_FLAG,
        "description": [*NO_TEXT, "\udfff"],
    },
    "/api/vocabularies": {
        "name": [*NO_TEXT, None, "", "Council", "-a", "a" * 41, "å", "a\n", "a b", "a/b"],
        "words": [0, "Umeå", True, {}, [], None, [0], [None], [[]], *([word] for word in NO_VOCABULARY_WORD), TOO_MANY],
    },
    "/api/jobs": {
        "file_name": [*NO_TEXT, None, "", "\ud800"],
        "size": [-1, 1.5, "12", True, [], {}],
        "content_type": [*NO_TEXT, "text/html", "audio/", "audio/mpeg\n", "audio/x;\r\n", "audio/å"],
        "checksum_sha256": [*NO_TEXT, "", "A" * 44, "=" * 44, "A" * 43 + "=" + "A"],
        "options": [0, "", [], True, None, HUGE],
        "options.language": NO_WORD,
        "options.model": [*NO_TEXT, "", "no such model", "\ud800"],
        "options.style": [*NO_WORD, "subtitle"],
        "options.preset": NO_WORD,
        "options.prompt": [*NO_TEXT, "x" * 601, "å" * 601, "\ud800"],
        "options.hotwords": [*NO_TEXT, "x" * 601, "😀" * 601],
        "options.vocabulary": [*NO_TEXT, "", "Council", "-a", "a" * 41, "å", "a\n", "no-such-list"],
        "options.words": NO_FLAG,
        "options.channels": NO_WORD,
        "options.tracks": [
            0,
            "1",
            True,
            {},
            [],
            [0],
            [1_000],
            [1.5],
            [True],
            ["1"],
            [None],
            [[]],
            [2, 2.0],
            [*range(1, 34)],
        ],
        "options.formats": NO_LIST,
        "callback": [0, "", [], True, {}, {"url": 0}, {"url": "http://x.example.com"}, {"url": URL, "events": []}],
        "callback_id": [*NO_TEXT, "", "cb_", "job_a", "cb_A", "cb_" + "a" * 41, "cb_a\n", "\ud800"],
    },
}
GOOD: dict[str, dict[str, Any]] = {
    "/api/callbacks": {"url": URL},
    "/api/vocabularies": {"name": "council", "words": ["Umeå"]},
    "/api/jobs": {"file_name": "a.mp3"},
}


def is_problem(reply: Reply, status: int) -> None:
    assert reply.status == status, reply.body
    assert reply.headers["content-type"] == "application/problem+json"
    document = reply.json
    assert {"type", "title", "status", "detail", "instance", "code", "request_id"} <= set(document)
    assert (document["status"], document["request_id"]) == (status, reply.headers["x-request-id"])


@pytest.mark.parametrize(("path", "field"), [(path, field) for path, fields in WRONG.items() for field in fields])
def test_a_wrong_field_gets_a_problem_document_that_names_it(alice: Client, path: str, field: str) -> None:
    for wrong in WRONG[path][field]:
        *outer, last = field.split(".")
        body: dict[str, Any] = dict(GOOD[path])
        inner = body
        for step in outer:
            inner = inner.setdefault(step, {})
        inner[last] = wrong
        reply = alice.post(path, body)

        is_problem(reply, 422)
        named = {error["field"] for error in reply.json.get("errors", [])} | {reply.json.get("field", "")}
        assert any(f"{name}.".startswith(f"{field}.") for name in named), (wrong, reply.body)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b"1", b"\xff\xfe", b'{"url": NaN}', b"[" * 50_000, b'{"\\ud800": 1}'],
)
@pytest.mark.parametrize("path", ["/api/callbacks", "/api/jobs"])
def test_a_body_that_is_no_object_gets_a_problem_document(alice: Client, path: str, body: bytes) -> None:
    is_problem(alice.post(path, body), 422)


@pytest.mark.parametrize("path", ["/api/callbacks", "/api/jobs"])
def test_broken_json_is_refused_with_its_line_and_column_and_no_field(alice: Client, path: str) -> None:
    reply = alice.post(path, b'{\n  "url": nope\n}')

    is_problem(reply, 422)
    assert reply.json["detail"] == "The body is not JSON: it breaks at line 2, column 10."
    assert {"field", "errors"}.isdisjoint(reply.json)


@pytest.mark.parametrize("body", [b'{"a": "\xe5"}', b"[" * 50_000])
def test_a_body_that_cannot_be_read_at_all_is_said_to_be_so(alice: Client, body: bytes) -> None:
    reply = alice.post("/api/jobs", body)

    is_problem(reply, 422)
    assert reply.json["detail"] == "The body cannot be read as JSON in UTF-8."
    assert {"field", "errors"}.isdisjoint(reply.json)


@pytest.mark.parametrize("path", ["/api/callbacks", "/api/jobs"])
@pytest.mark.parametrize(
    "media_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "application", "é"]
)
def test_a_body_that_is_not_called_json_is_refused_with_what_to_send(
    gateway: Gateway, alice: Client, path: str, media_type: str | None
) -> None:
    headers = {"authorization": f"Bearer {alice.api_key}"}
    if media_type is not None:
        headers["content-type"] = media_type
    reply = gateway.call("POST", path, headers=headers, body=json.dumps(GOOD[path]).encode())

    is_problem(reply, 415)
    assert "`Content-Type: application/json`" in reply.json["detail"]
    assert reply.headers["accept"] == "application/json"


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON", "application/x+json"])
def test_a_body_that_is_called_json_in_any_way_is_read(gateway: Gateway, alice: Client, media_type: str) -> None:
    headers = {"authorization": f"Bearer {alice.api_key}", "content-type": media_type}

    assert gateway.call("POST", "/api/jobs", headers=headers, body=b'{"file_name": "a.mp3"}').status == 201


@pytest.mark.parametrize("path", ["/api/callbacks", "/api/jobs"])
def test_an_empty_body_is_said_to_be_missing(gateway: Gateway, alice: Client, path: str) -> None:
    for body in (None, b""):
        reply = gateway.call("POST", path, headers={"authorization": f"Bearer {alice.api_key}"}, body=body)
        is_problem(reply, 422)
        assert reply.json["errors"] == [{"field": "body", "message": "Send a body of JSON."}]


def test_a_reply_comes_as_json_whatever_the_caller_would_accept(alice: Client) -> None:
    for accept in ("image/png", "application/xml", "text/html", "", "no type"):
        reply = alice.call("GET", "/api/jobs", accept=accept)
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize("path", ["/api/callbacks", "/api/jobs"])
def test_a_misspelt_field_is_not_taken_for_a_default(alice: Client, path: str) -> None:
    reply = alice.post(path, GOOD[path] | {"optoins": {}})

    is_problem(reply, 422)
    assert [error["field"] for error in reply.json["errors"]] == ["optoins"]


def operations(gateway: Gateway) -> Iterator[tuple[str, str, list[str]]]:
    """Each operation's method and path, with the query parameters that it takes."""
    for path, methods in gateway.app.openapi()["paths"].items():
        for method, operation in methods.items():
            parameters = operation.get("parameters", [])
            yield method.upper(), path, [entry["name"] for entry in parameters if entry["in"] == "query"]


def test_a_misspelt_parameter_is_not_taken_for_none_by_any_operation(
    world: World, gateway: Gateway, alice: Client
) -> None:
    found = list(operations(gateway))
    assert len(found) > 15
    for method, path, taken in found:
        reply = who_may(path, world, alice).call(method, f"{path}?limt=5&{'&'.join(f'{name}=x' for name in taken)}", {})

        is_problem(reply, 422)
        assert reply.json["code"] == "INVALID_REQUEST"
        (error,) = (error for error in reply.json["errors"] if error["field"] == "limt")
        assert error["message"].startswith("There is no such parameter.")
        assert all(name in reply.json["detail"] for name in taken)


def test_a_parameter_that_takes_one_value_is_given_once(world: World, gateway: Gateway, alice: Client) -> None:
    several = {"status", "type"}
    for method, path, taken in operations(gateway):
        for name in taken:
            reply = who_may(path, world, alice).call(method, f"{path}?{name}=x&{name}=x")
            is_problem(reply, 422)
            assert ("give it once" in reply.json["detail"]) is (name not in several), (path, name)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("?a=1&b=2&a=3", ["a", "b"]),
        ("?=1", ['""']),
        ("?%00=1", ["\x00"]),
        ("?%ff", ["\ufffd"]),
        ("?Limit=5", ["Limit"]),
    ],
)
def test_every_unknown_parameter_is_named(alice: Client, query: str, fields: list[str]) -> None:
    reply = alice.get(f"/api/jobs{query}")

    is_problem(reply, 422)
    assert [error["field"] for error in reply.json["errors"]] == fields


def test_strangers_are_not_told_which_parameters_there_are(gateway: Gateway) -> None:
    is_problem(gateway.call("GET", "/api/jobs?limt=5"), 401)


def test_a_body_beyond_the_bound_is_not_read(alice: Client) -> None:
    job = alice.post("/api/jobs", {"file_name": "a.mp3"}).headers["location"]

    for path in ("/api/jobs", f"{job}/cancel"):
        reply = alice.post(path, {"file_name": "x" * 200_000})
        is_problem(reply, 413)
        assert reply.json["code"] == "TOO_LARGE"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/jobs/{job}"),
        ("DELETE", "/api/jobs/{job}"),
        ("POST", "/api/jobs/{job}/cancel"),
        ("POST", "/api/jobs/{job}/retry"),
        ("GET", "/api/jobs/{job}/transcript"),
        ("GET", "/api/jobs/{job}/deliveries"),
        ("POST", "/api/jobs/{job}/deliveries/{delivery}/redeliver"),
        ("GET", "/api/callbacks/{callback}"),
        ("PATCH", "/api/callbacks/{callback}"),
        ("DELETE", "/api/callbacks/{callback}"),
        ("POST", "/api/callbacks/{callback}/rotate"),
        ("POST", "/api/callbacks/{callback}/test"),
        ("POST", "/api/callbacks/{callback}/enable"),
        ("GET", "/api/callbacks/{callback}/deliveries"),
    ],
)
def test_unknown_and_foreign_ids_are_the_same_404(alice: Client, mallory: Client, method: str, path: str) -> None:
    callback = alice.post("/api/callbacks", {"url": URL}).json["callback_id"]
    job = alice.post("/api/jobs", {"file_name": "a.mp3"}).json["job_id"]
    delivery = f"evt_{'a' * 26}.{callback}"

    def answer(**ids: str) -> dict[str, Any]:
        reply = mallory.call(method, path.format(**ids), {"prefix": ""} if method == "PATCH" else None)
        is_problem(reply, 404)
        return {name: value for name, value in reply.json.items() if name != "instance"}

    foreign = answer(job=job, callback=callback, delivery=delivery)
    for unknown in ("job_" + "a" * 26, "x", "%00", "å", "job_" + "a" * 3_000, "..", "JOB#x"):
        assert answer(job=unknown, callback=unknown.replace("job_", "cb_"), delivery=unknown) == foreign


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/unknown", "/api/jobs/x/unknown", "/api/jobs/", "/x"])
def test_an_unknown_route_gets_a_problem_document(alice: Client, path: str) -> None:
    is_problem(alice.get(path), 404)


def test_a_method_that_an_address_does_not_take_says_which_it_takes(alice: Client) -> None:
    reply = alice.call("PUT", "/api/jobs")

    is_problem(reply, 405)
    assert reply.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("cursor", ["", "x", "a" * 34, "a" * 36, "A" * 35, "0" * 35, "å", "a" * 200, "%00"])
def test_a_cursor_that_is_none_is_refused(alice: Client, cursor: str) -> None:
    reply = alice.get(f"/api/jobs?after={cursor}")

    is_problem(reply, 422)


def test_a_cursor_of_another_list_is_refused(world: World, alice: Client) -> None:
    for _ in range(2):
        completed(world, alice)
    world.clock.pass_(MINUTE_MS)
    cursors = {path: alice.get(f"{path}?limit=1").json["next"] for path in ("/api/jobs", "/api/events")}

    for path in cursors:
        for other, cursor in cursors.items():
            reply = alice.get(f"{path}?after={cursor}")
            assert (reply.status, reply.json.get("code")) == ((200, None) if path == other else (422, "INVALID_CURSOR"))
            assert alice.get(f"{path}?after={cursor[1:]}").status == 200, "release 0.1.0 gave it to somebody"


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=", "limit=1.5"])
@pytest.mark.parametrize("path", ["/api/jobs", "/api/events"])
def test_a_page_has_between_one_and_a_hundred_entries(alice: Client, path: str, query: str) -> None:
    is_problem(alice.get(f"{path}?{query}"), 422)


@pytest.mark.parametrize("query", ["limit=0", "limit=51", "limit=x", "after=x", f"after={'a' * 35}", "after=%00"])
def test_a_ledgers_page_has_between_one_and_fifty_entries_and_a_cursor_of_its_own(alice: Client, query: str) -> None:
    job = alice.post("/api/jobs", {"file_name": "a.mp3"}).headers["location"]
    callback = alice.post("/api/callbacks", {"url": URL}).headers["location"]

    for subject in (job, callback):
        is_problem(alice.get(f"{subject}/deliveries?{query}"), 422)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong-key-0123456789abcdef",
        "Basic YTpi",
        f"Bearer {'x' * 5_000}",
        "Bearer å",
    ],
)
def test_without_a_valid_key_there_is_nothing_but_a_401(gateway: Gateway, authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    for method, path in (("GET", "/api/jobs"), ("POST", "/api/callbacks"), ("DELETE", "/api/jobs/x")):
        reply = gateway.call(method, path, headers=headers, body=b"{}")
        is_problem(reply, 401)
        assert reply.headers["www-authenticate"] == "Bearer"


def test_a_revoked_key_opens_nothing(world: World, alice: Client) -> None:
    (key,) = world.store.clients.keys_of("alice")
    assert world.store.clients.revoke("alice", key.digest, world.clock())

    is_problem(alice.get("/api/jobs"), 401)


def test_beyond_its_limit_a_key_waits_for_the_next_minute(world: World, gateway: Gateway) -> None:
    busy = gateway.client("busy", limit=3)
    statuses = [busy.get("/api/jobs").status for _ in range(3)]
    refused = busy.get("/api/jobs")

    assert statuses == [200, 200, 200]
    is_problem(refused, 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    world.clock.pass_(MINUTE_MS)
    assert busy.get("/api/jobs").status == 200


def test_an_idempotency_key_that_is_none_is_refused_by_name(alice: Client) -> None:
    for key in ("", "å", "a b", "x" * 201):
        reply = alice.post("/api/jobs", {"file_name": "a.mp3"}, idempotency_key=key)
        is_problem(reply, 422)
        assert reply.json["errors"][0]["field"] == "Idempotency-Key"


def test_what_breaks_inside_is_a_document_with_the_requests_id_and_no_word_more(
    alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr(alice.gateway.app.state.service().store.jobs, "page", broken)
    reply = alice.get("/api/jobs")

    is_problem(reply, 500)
    assert "secret reason" not in reply.body


def test_the_health_check_needs_no_key(gateway: Gateway) -> None:
    assert gateway.call("GET", "/api/health").json == {"status": "ok"}


def test_no_log_line_holds_a_secret_a_file_name_or_a_text(
    alice: Client, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="services")
    structlog.reset_defaults()
    made = alice.post("/api/callbacks", {"url": URL + "token-4711"}).json
    job = alice.post("/api/jobs", {"file_name": "Hemligt möte.mp3", "options": {"prompt": "Kungsholmen"}}).json
    alice.post("/api/jobs", {"file_name": "Hemligt möte.mp3", "options": {"prompt": ["Kungsholmen"]}})
    alice.get(f"/api/jobs/{job['job_id']}?name=Hemligt")
    alice.get("/api/Hemligt/Kungsholmen")
    alice.delete(f"/api/jobs/{job['job_id']}")

    output = capsys.readouterr()
    logged = output.out + output.err + caplog.text
    assert logged.count("request.done") == 6
    assert json.dumps(job)  # the words were in the reply; they are in no log
    for word in ("Hemligt", "Kungsholmen", "token-4711", made["secret"], alice.api_key, "X-Amz", "policy"):
        assert word not in logged
