"""The gateway of the local stack and of the tests lets in pages of other origins as API Gateway does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from services.local import resources
from services.local.gateway import Gateway
from services.local.gateway_rules import Answer, GatewayRules

PAGE, OTHER = "https://app.example.com", "https://evil.example.com"
OPEN = GatewayRules(routes=resources.ROUTES, cors=resources.gateway_cors([PAGE, "http://localhost:5173"]))
SHUT = GatewayRules(routes=resources.ROUTES, cors=resources.gateway_cors([]))
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
SENT = [("content-type", "application/json"), ("access-control-allow-origin", "*"), ("x-request-id", "1")]


def preflight(rules: GatewayRules, origin: str) -> Answer | None:
    return rules.answer("OPTIONS", "/api/jobs", {"origin": origin, **PREFLIGHT})


def test_a_preflight_of_a_listed_origin_says_what_its_pages_may_send() -> None:
    answer = preflight(OPEN, PAGE)
    assert answer
    assert (answer.status, answer.body) == (204, b"")
    assert dict(answer.headers) == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "DELETE,GET,PATCH,POST,PUT",
        "access-control-allow-headers": "authorization,content-type,idempotency-key,if-match",
        "access-control-max-age": "3600",
    }


@pytest.mark.parametrize("origin", [OTHER, "null", f"{PAGE}:8443", "http://app.example.com", "https://APP.example.com"])
def test_a_preflight_of_any_other_origin_gets_no_header(origin: str) -> None:
    assert preflight(OPEN, origin) == Answer(status=204)


def test_where_no_origin_is_listed_there_is_no_answer_to_a_preflight() -> None:
    answer = preflight(SHUT, PAGE)
    assert answer
    assert (answer.status, json.loads(answer.body)) == (404, {"message": "Not Found"})
    assert not any("access-control" in name for name, _ in answer.headers)


def test_a_route_that_takes_every_method_would_send_preflights_to_the_function() -> None:
    """As aws/serverless-application-model#1603 tells; ours did."""
    caught = GatewayRules(routes=["ANY /api/{proxy+}"], cors=OPEN.cors)
    assert preflight(caught, PAGE) is None


@pytest.mark.parametrize(
    ("method", "path", "routed"),
    [
        *((method, "/api/jobs", True) for method in resources.METHODS),
        *((method, "/api/jobs", False) for method in ("HEAD", "OPTIONS")),
        ("GET", "/api/", False),
        *(("GET", path, True) for path in ("/", "/page/0123456789abcdef/vendor/lit-html.js")),
        *(("POST", path, False) for path in ("/", "/page/0123456789abcdef/main.js")),
        ("GET", "/favicon.ico", False),
    ],
)
def test_a_request_reaches_the_function_if_a_route_takes_it(method: str, path: str, *, routed: bool) -> None:
    answer = OPEN.answer(method, path, {"origin": PAGE})
    assert (answer is None) == routed
    assert answer is None or answer.status == 404


def test_a_listed_origin_may_read_an_answer_with_its_headers_and_the_functions_own_of_that_kind_are_left_out() -> None:
    assert OPEN.passed_on(SENT, PAGE) == [
        *(SENT[0], SENT[2]),
        ("access-control-allow-origin", PAGE),
        (
            "access-control-expose-headers",
            (
                "accept,content-disposition,content-encoding,etag,idempotent-replayed,location,retry-after,"
                "www-authenticate,x-request-id"
            ),
        ),
    ]


@pytest.mark.parametrize("origin", [OTHER, "null", None])
def test_no_other_origin_may_read_an_answer(origin: str | None) -> None:
    assert OPEN.passed_on(SENT, origin) == [SENT[0], SENT[2]]


def test_without_a_configuration_an_answer_passes_as_it_is() -> None:
    assert SHUT.passed_on(SENT, PAGE) == SENT


@pytest.mark.parametrize(
    ("method", "expected"), [("GET", [200, "of the function", PAGE]), ("OPTIONS", [204, "", PAGE])]
)
def test_in_front_of_the_local_api_the_same_rules_hold(method: str, expected: list[Any]) -> None:
    sent = list[Any]()

    async def function(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Access-Control-Allow-Origin", b"*")]})
        await send({"type": "http.response.body", "body": b"of the function"})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nobody reads the body")

    headers = [(b"Origin", PAGE.encode()), (b"Access-Control-Request-Method", b"GET")]
    scope = {"type": "http", "method": method, "path": "/api/jobs", "headers": headers}
    asyncio.run(Gateway(function, OPEN)(scope, receive, send))
    begun, body = sent
    told = {name.decode(): value.decode() for name, value in begun["headers"]}
    assert [begun["status"], body["body"].decode(), told["access-control-allow-origin"]] == expected
    assert "Access-Control-Allow-Origin" not in told
