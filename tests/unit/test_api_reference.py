"""The reference in docs/api is what the application says of itself."""

from __future__ import annotations

import pytest

from services.api import openapi
from services.api.problem_codes import ProblemCode
from tools import api_reference

HEADERS = {
    "201": ["Location"],
    "302": ["Location"],
    "401": ["WWW-Authenticate"],
    "429": ["Retry-After"],
    "503": ["Retry-After"],
}


@pytest.mark.parametrize(("name", "content"), api_reference.files().items())
def test_the_reference_is_true(name: str, content: str) -> None:
    kept = (api_reference.FOLDER / name).read_text("utf-8")

    assert kept == content, "Run `python -m tools.api_reference` and commit docs/api."


def test_every_reply_is_documented_with_the_headers_that_a_client_goes_by() -> None:
    for path, operations in api_reference.document()["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                assert {"X-Request-Id", *HEADERS.get(status, ())} <= answer["headers"].keys(), (method, path, status)


def test_every_refusal_is_documented_as_a_problem_document() -> None:
    for path, operations in api_reference.document()["paths"].items():
        for method, operation in operations.items():
            refusals = {status for status in operation["responses"] if status >= "400"}
            expected = {"401", "422", "429", "500", "503"} if operation["security"] else {"422", "500"}
            assert expected <= refusals, (method, path)
            for status in refusals:
                answer = operation["responses"][status]
                assert set(answer["content"]) == {"application/problem+json"}
                assert {ProblemCode[code].status for code in answer[openapi.CODES]} == {int(status)}
