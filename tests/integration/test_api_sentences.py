"""Whatever is wrong with a request, the refusal says it in a sentence of ours, and names the place in one way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

import pytest
from pydantic_core._pydantic_core import list_all_errors

from services.api import field_errors, share_auth
from services.common.domain.media_types import APPLICATION_TYPES
from tests.support import contract
from tests.support.api_jobs import create
from tests.support.gateway import Client, Gateway
from tests.support.shares import who_may
from tests.support.world import World

LONG = "x" * 3_000
WRONG: list[Any] = [
    *(
        None,
        True,
        0,
        -1,
        1.5,
        10**30,
        "",
        " ",
        LONG,
        "\x00",
        "\u2028",
        "\ud800",
        "http://x",
        "https://[x",
        "https://x:y/",
    ),
    *(
        [],
        [None],
        [0],
        [1, 1],
        [1_000],
        [LONG],
        ["x"] * 1_000,
        [[]],
        {},
        {"": ""},
        {"x": 1},
        {LONG: ""},
        {"\u200e": ""},
    ),
    {"no such field": 1},
]
WRONG_TEXTS = ["", "0", "-1", "1.5", "9" * 400, "9" * 5_000, "x", LONG, "å", "\x00", "true"]
URL = "https://hooks.example.com/"
NEEDED = {"file_name": "a.mp3", "url": URL, "name": "x", "words": ["Umeå"], "changes": [], "names": []}
HEADERS = {"Idempotency-Key", "If-Match"}
_TEMPLATES = {
    template
    for one in list_all_errors()
    for template in (one["message_template_python"], one.get("message_template_json", ""))
    if template
}
LIBRARY = [
    re.compile(re.sub(r"\\{\w+\\}", ".*", re.escape(template)), re.DOTALL)
    for template in _TEMPLATES
    if not template.startswith("{")
]
NAMED_TYPES = ", ".join(APPLICATION_TYPES)
Steps = tuple[str, ...]


def operations(place: str) -> dict[str, Any]:
    """What an operation takes there, by its method and path; `place` is `parameters` or `requestBody`."""
    return {
        f"{method.upper()} {path}": operation[place]
        for path, methods in contract.document()["paths"].items()
        for method, operation in methods.items()
        if operation.get(place)
    }


def fields(schema: Mapping[str, Any], above: Steps = ()) -> Iterator[Steps]:
    for name, inner in contract.resolved(schema).get("properties", {}).items():
        yield (*above, name)
        yield from fields(inner, (*above, name))


def body(schema: Mapping[str, Any], steps: Steps, value: object) -> dict[str, Any]:
    """A body with what the schema requires, and with the value at the place to which the steps lead."""
    first, *rest = steps
    inner = body(contract.resolved(schema)["properties"][first], tuple(rest), value) if rest else value
    return required(schema) | {first: inner}


def required(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: NEEDED[name] for name in contract.resolved(schema).get("required", [])}


@cache
def patterns() -> frozenset[str]:
    """Every pattern in the document."""
    return frozenset(_patterns(contract.document()))


def _patterns(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from _patterns(one)


def check(problem: Mapping[str, Any], place: str) -> None:
    """Hold a refusal to our own sentences, and to the path from the body's root."""
    told = problem.get("errors", [])
    for message in [problem["detail"], *(one["message"] for one in told)]:
        assert message.endswith("."), message
        assert not [pattern for pattern in patterns() if pattern in message], message
        assert field_errors.OTHERWISE not in message, problem
    for message in [one["message"] for one in told] or [problem["detail"]]:
        assert message[0].isupper(), message
        assert not [template for template in LIBRARY if template.fullmatch(message)], message
    for named in [one["field"] for one in told] or [problem["field"]]:
        assert named == place or named.startswith(f"{place}."), problem
        assert len(named) < 150, named


@pytest.mark.parametrize("operation", operations("requestBody"))
def test_each_field_that_is_wrong_in_any_way_is_refused_in_a_sentence_of_ours(
    world: World, gateway: Gateway, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share_auth, "MINUTE_LIMIT", 10_000)
    method, path = operation.split()
    busy = who_may(path, world, gateway.client("busy", limit=10_000))
    schema = operations("requestBody")[operation]["content"]["application/json"]["schema"]
    refused = set()
    for steps in fields(schema):
        for value in WRONG:
            reply = busy.call(
                method, path.format(job_id="job_x", callback_id="cb_x", name="x"), body(schema, steps, value)
            )
            if reply.status in {413, 422}:
                refused.add(steps)
                check(reply.json, ".".join(steps))
    assert refused == set(fields(schema))


@pytest.mark.parametrize("operation", operations("parameters"))
def test_each_parameter_that_is_wrong_in_any_way_is_refused_in_a_sentence_of_ours(
    world: World, alice: Client, operation: str
) -> None:
    method, path = operation.split()
    asking = who_may(path, world, alice)
    job, callback = create(alice)["job_id"], alice.post("/api/callbacks", {"url": URL}).json["callback_id"]
    path = path.format(job_id=job, callback_id=callback, delivery_id="x", share_id="x", name="x")
    needed = operations("requestBody").get(operation)
    sent = needed and required(needed["content"]["application/json"]["schema"])
    refused, taken = set(), {one["name"] for one in operations("parameters")[operation] if one["in"] != "path"}
    for name in taken:
        for text in WRONG_TEXTS:
            in_header = name in HEADERS
            headers = {name: text} if in_header else {}
            reply = asking.call(method, path if in_header else f"{path}?{name}={quote(text)}", sent, **headers)
            if reply.status == 422:
                refused.add(name)
                check(reply.json, name)
    assert refused == taken


@pytest.mark.parametrize(
    ("wrong", "place", "sentence"),
    [
        ({"file_nam": "a.mp3"}, "file_nam", "There is no such field. There are: file_name, size, "),
        ({"options": {"promt": "a"}}, "options.promt", "There is no such field. There are: language, model, style, "),
        ({"callback": {"url": URL, "name": ""}}, "callback.name", "There is no such field. There are: url, events, "),
        ({"size": 5_000_000_001}, "size", "A form takes at most 5000000000 bytes"),
        ({"options": {"model": "nobody/knows"}}, "options.model", "This deployment does not hold nobody/knows"),
        ({"options": {"style": "subtitle"}}, "options.style", "This deployment does not hold"),
        ({"options": {"style": "x"}}, "options.style", "Give 'standard', 'subtitle' or 'strict'."),
        ({"options": {"prompt": "x" * 301, "hotwords": "x" * 300}}, "options.prompt", "They have 601 characters"),
        ({"options": {"speakers": 51}}, "options.speakers", "Give off, auto, a whole number from 1 to 50, or "),
        ({"options": {"speakers": {"at_least": 0}}}, "options.speakers", "Give off, auto, a whole number from 1 to 50"),
        ({"options": {"speakers": {"at_least": 3, "at_most": 2}}}, "options.speakers", "Give an at_most that "),
        ({"options": {"tracks": [2, 2.0]}}, "options.tracks", "Give each track once."),
        ({"options": {"tracks": [1, "x"]}}, "options.tracks.1", "Give a whole number."),
        ({"callback": {"url": "http://x.example.com"}}, "callback.url", "A callback's URL begins with https://."),
        ({"callback": {"url": "https://x.example.com:x/"}}, "callback.url", "The URL's port is no number"),
        ({"callback": {"url": "https://[x"}}, "callback.url", "An IPv6 address stands in brackets"),
        ({"reference": "a\u2029b"}, "reference", "Give 1 to 80 characters without control characters, line breaks "),
        ({"metadata": {"": "a"}}, "metadata", "A key must have 1 to 40 characters"),
        ({"metadata": {"a\u202e": ""}}, "metadata", "A key must have 1 to 40 characters without control characters"),
        ({"metadata": {"[key]": 1}}, "metadata.[key]", "Give a text of at most 2048 characters"),
        ({"metadata": {"a": "b" * 2_048}}, "metadata", "metadata has 2056 bytes"),
        ({"names": ["Åsa", " "]}, "names.1", "Give a name of 1 to 80 characters without control characters"),
        ({"names": ["a\u202e"]}, "names.0", "Give a name of 1 to 80 characters without control characters"),
        ({"names": ["å" * 80] * 26}, "names", "names has 4239 bytes"),
        ({"names": ["a"] * 51}, "names", "It must have at most 50 entries."),
        ({"checksum_sha256": "x"}, "checksum_sha256", "Give the SHA-256 of the file in base64"),
        ({"callback_id": "job_a"}, "callback_id", "Give the id of a callback"),
        ({"options": {"vocabulary": "Council"}}, "options.vocabulary", "Give 1 to 40 small letters from a to z"),
        ({"content_type": "application/pdf"}, "content_type", f"Give `audio/…`, `video/…` or one of {NAMED_TYPES};"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_give_instead(alice: Client, wrong: dict[str, Any], place: str, sentence: str) -> None:
    problem = alice.post("/api/jobs", {"file_name": "a.mp3"} | wrong).json
    ((named, told),) = [(one["field"], one["message"]) for one in problem.get("errors", [])] or [
        (problem["field"], problem["detail"])
    ]
    assert (named, told[: len(sentence)]) == (place, sentence)


def test_several_wrong_fields_are_told_one_after_the_other(alice: Client) -> None:
    problem = alice.post("/api/jobs", {"size": -1, "options": {"words": "x"}}).json

    assert problem["detail"] == "file_name: It is required. size: Give 0 or more. options.words: Give true or false."


def unasked() -> list[str]:
    """The operations that take no body."""
    return [
        f"{method.upper()} {path}"
        for path, methods in contract.document()["paths"].items()
        for method, operation in methods.items()
        if "requestBody" not in operation
    ]


@pytest.mark.parametrize("operation", unasked())
def test_a_body_is_refused_where_none_is_taken(world: World, alice: Client, operation: str) -> None:
    method, path = operation.split()
    path = path.format(job_id="job_x", callback_id="cb_x", delivery_id="x", share_id="x", name="not-found")
    asking = who_may(path, world, alice)
    without = asking.call(method, path)
    for said in (b'{"force": true}', b"[]", b"null", b"force", b"\xff"):
        reply = asking.call(method, path, said)
        assert (reply.status, reply.json["code"]) == (422, "INVALID_REQUEST"), said
        assert reply.json["errors"] == [{"field": "body", "message": "This operation takes no body: leave it out."}]
    for empty in (b"", b"{}", b" {}\n"):
        reply = asking.call(method, path, empty)
        assert (reply.status, settled(reply.body)) == (without.status, settled(without.body)), empty


def settled(body: str) -> dict[str, Any]:
    """A reply without its link, in whose signature the time stands."""
    return {name: value for name, value in json.loads(body).items() if name != "url"}


def test_strangers_are_not_told_that_an_operation_takes_no_body(alice: Client) -> None:
    assert alice.gateway.call("DELETE", "/api/jobs/job_x", body=b'{"force": true}').status == 401


def test_a_body_is_read_as_utf_8_whatever_its_header_says_of_the_charset(alice: Client) -> None:
    headers = {"authorization": f"Bearer {alice.api_key}", "content-type": "application/json; charset=latin-1"}
    taken = alice.gateway.call("POST", "/api/jobs", headers=headers, body='{"file_name": "möte.mp3"}'.encode())
    refused = alice.gateway.call(
        "POST", "/api/jobs", headers=headers, body='{"file_name": "möte.mp3"}'.encode("latin-1")
    )

    assert (taken.status, taken.json["file_name"]) == (201, "möte.mp3")
    assert (refused.status, refused.json["detail"]) == (422, "The body cannot be read as JSON in UTF-8.")
