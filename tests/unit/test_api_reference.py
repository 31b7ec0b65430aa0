"""The reference in docs/api is what the application says of itself."""

from __future__ import annotations

import pytest

from tools import api_reference


@pytest.mark.parametrize(("name", "content"), api_reference.files().items())
def test_the_reference_is_true(name: str, content: str) -> None:
    kept = (api_reference.FOLDER / name).read_text("utf-8")

    assert kept == content, "Run `python -m tools.api_reference` and commit docs/api."


def test_every_refusal_is_documented_as_a_problem_document() -> None:
    for path, operations in api_reference.document()["paths"].items():
        for method, operation in operations.items():
            refusals = {status for status in operation["responses"] if status >= "400"}
            expected = set() if path == "/api/health" else {"401", "422", "429", "503"}
            assert expected <= refusals, (method, path)
            for status in refusals:
                assert set(operation["responses"][status]["content"]) == {"application/problem+json"}
