"""The reference in docs/api is what the application says of itself."""

from __future__ import annotations

import pytest

from services.api import openapi
from services.api.problem_codes import ProblemCode
from tools import api_reference


@pytest.mark.parametrize(("name", "content"), api_reference.files().items())
def test_the_reference_is_true(name: str, content: str) -> None:
    kept = (api_reference.FOLDER / name).read_text("utf-8")

    assert kept == content, "Run `python -m tools.api_reference` and commit docs/api."


def test_every_refusal_is_documented_as_a_problem_document() -> None:
    for path, operations in api_reference.document()["paths"].items():
        for method, operation in operations.items():
            refusals = {status for status in operation["responses"] if status >= "400"}
            expected = {"401", "422", "429", "500", "503"} if "security" in operation else set()
            assert expected <= refusals, (method, path)
            for status in refusals:
                answer = operation["responses"][status]
                assert set(answer["content"]) == {"application/problem+json"}
                assert {ProblemCode[code].status for code in answer[openapi.CODES]} == {int(status)}
