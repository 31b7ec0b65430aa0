"""The API's document: its examples are true, and what breaks programs of the last release is named in CHANGELOG."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.baselines import contract_of, released_version
from tests.support import contract
from tests.support.contract_changes import breaking
from tests.support.documents import text_of

Edit = Callable[[dict[str, Any]], object]


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def without_required(document: dict[str, Any], name: str, field: str) -> None:
    schema(document, name)["required"].remove(field)


BREAKS: dict[str, Edit] = {
    "DELETE /api/jobs/{job_id}": lambda new: new["paths"]["/api/jobs/{job_id}"].pop("delete"),
    "list_events": lambda new: new["paths"]["/api/events"]["get"].update(operationId="events"),
    "GET /api/jobs limit": lambda new: new["paths"]["/api/jobs"]["get"]["parameters"].pop(
        next(i for i, one in enumerate(new["paths"]["/api/jobs"]["get"]["parameters"]) if one["name"] == "limit")
    ),
    "POST /api/jobs 201": lambda new: new["paths"]["/api/jobs"]["post"]["responses"].pop("201"),
    "JobView.parts": lambda new: schema(new, "JobView")["properties"].pop("parts"),
    "JobView.status": lambda new: without_required(new, "JobView", "status"),
    "JobStatus": lambda new: schema(new, "JobStatus")["enum"].append("thinking"),
    "JobOptions.style": lambda new: schema(new, "JobOptions")["properties"]["style"]["enum"].remove("strict"),
    "NewJob.file_name": lambda new: schema(new, "NewJob")["properties"]["file_name"].update(maxLength=10),
    "NewJob.size": lambda new: schema(new, "NewJob")["required"].append("size"),
    "JobError.retryable": lambda new: schema(new, "JobError")["properties"]["retryable"].update(type="string"),
    "EventView.created_at": lambda new: schema(new, "EventView")["properties"].update(
        created_at={"anyOf": [{"type": "string"}, {"type": "null"}]}
    ),
    "NewJob.reference": lambda new: schema(new, "NewJob")["properties"].update(reference={"type": "string"}),
    "callback.test": lambda new: new["webhooks"].pop("callback.test"),
    "ChallengeData.challenge": lambda new: schema(new, "ChallengeData")["properties"].pop("challenge"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_change_that_breaks_programs_is_found(name: str) -> None:
    new = copy.deepcopy(contract.document())
    BREAKS[name](new)

    assert name in {change.name for change in breaking(contract.document(), new)}


def test_what_is_added_breaks_nothing() -> None:
    new = copy.deepcopy(contract.document())
    new["paths"]["/api/new"] = new["paths"]["/api/health"]
    schema(new, "JobView")["properties"]["new"] = {"type": "string"}
    schema(new, "NewJob")["properties"]["new"] = {"type": "string"}
    schema(new, "JobOptions")["properties"]["style"]["enum"].append("new")
    new["paths"]["/api/jobs"]["get"]["parameters"].append({"name": "new", "required": False, "schema": {}})

    assert not breaking(contract.document(), new)


def test_each_breaking_change_since_the_last_release_is_named_in_the_changelog() -> None:
    released = contract_of(released_version())
    assert released.is_file(), "run: ./nox -s baseline"
    since = text_of("CHANGELOG.md").split(f"## [{released_version()}]")[0]

    unnamed = [
        change
        for change in sorted(breaking(json.loads(released.read_text("utf-8")), contract.document()))
        if f"`{change.name}`" not in since
    ]
    assert not unnamed, "CHANGELOG must name these in backticks, or they must not be"


def test_a_document_that_breaks_programs_has_a_higher_version_than_that_of_the_last_release() -> None:
    released = json.loads(contract_of(released_version()).read_text("utf-8"))
    before, now = (int(document["info"]["version"]) for document in (released, contract.document()))

    assert now == before + bool(breaking(released, contract.document()))


def examples() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Name, example and schema of every example in the document."""
    document = contract.document()
    for place in ("paths", "webhooks"):
        for path, operations in document[place].items():
            for method, operation in operations.items():
                bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
                for what, body in bodies.items():
                    for content in body.get("content", {}).values():
                        for one in _shown(content):
                            yield f"{method} {path} {what}", one, content["schema"]


def _shown(content: dict[str, Any]) -> list[Any]:
    return [content["example"]] if "example" in content else [one["value"] for one in content["examples"].values()]


@pytest.mark.parametrize(("example", "schema"), [pytest.param(*more, id=name) for name, *more in examples()])
def test_each_request_reply_and_message_has_an_example_that_is_as_its_schema_says(
    example: Any, schema: dict[str, Any]
) -> None:
    contract.check(example, schema)
