"""Holds replies, messages and transcripts to the published schemas, more strictly than a client may: no field more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import jsonschema_rs
import pytest

from services.api.contract.document import COMPONENTS
from services.api.openapi import CODES
from services.common.domain import events
from services.common.transcript import formats
from tools import api_reference

PROBLEM = "ProblemDocument"
FIRST_REDIRECT, FIRST_REFUSAL = 300, 400
_FOR_BROWSERS = {"content-type", "content-length", "cache-control", "content-security-policy", "vary"}
"""Headers that no program goes by: of every body, and of pages."""


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document without a deployment."""
    return api_reference.document()


@cache
def _components() -> dict[str, Any]:
    """The document's schemas; an object must not have fields that its schema does not name."""
    return {name: _closed(schema) for name, schema in document()["components"]["schemas"].items()}


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _closed(value) for key, value in schema.items()}
    return inner | {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else inner


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    whole = {**json.loads(schema), "components": {"schemas": _components()}}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself: references are followed, and null is no alternative."""
    while "$ref" in schema or "anyOf" in schema:
        if "anyOf" in schema:
            schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
        else:
            schema = document()["components"]["schemas"][schema["$ref"].removeprefix(COMPONENTS)]
    return schema


def check(instance: Any, schema: Mapping[str, Any]) -> None:
    """Hold a value to a schema of the document.

    :raises AssertionError: it differs; the message says where.
    """
    wrong = [
        f"{list(error.instance_path)}: {error.message}"
        for error in _validator(json.dumps(schema)).iter_errors(instance)
    ]
    assert not wrong, f"not as the contract says: {wrong}\n{json.dumps(instance, ensure_ascii=False)[:2_000]}"


def check_named(instance: Any, name: str) -> None:
    """Hold a value to the document's schema of this name."""
    check(instance, {"$ref": COMPONENTS + name})


def check_headers(method: str, path: str, status: int, headers: Mapping[str, str]) -> None:
    """Hold the headers of a reply to those that its operation names, if there is such an operation.

    :raises AssertionError: there is one more, or a required one is missing.
    """
    answers = _responses(method, path.partition("?")[0])
    if answers is None:
        return
    named = {name.lower(): header for name, header in answers[str(status)]["headers"].items()}
    found = {name.lower() for name in headers} - _FOR_BROWSERS
    required = {name for name, header in named.items() if _header(header).get("required")}
    assert required <= found <= named.keys(), (method, path, status, found ^ required)


def _header(described: Mapping[str, Any]) -> Mapping[str, Any]:
    known: Mapping[str, Mapping[str, Any]] = document()["components"]["headers"]
    return known[described["$ref"].rpartition("/")[2]] if "$ref" in described else described


def check_reply(method: str, path: str, status: int, body: str) -> None:
    """Hold a reply to what its operation says; one that no operation gives must be a refusal."""
    answers = _responses(method, path.partition("?")[0])
    if status >= FIRST_REFUSAL:
        problem = json.loads(body)
        check_named(problem, PROBLEM)
        assert problem["status"] == status
        if answers is not None:
            assert problem["code"] in answers.get(str(status), {}).get(CODES, ()), (method, path, problem)
        return
    assert answers is not None, (method, path)
    content = answers[str(status)].get("content", {}).get("application/json")
    if content and status < FIRST_REDIRECT:
        check(json.loads(body), content["schema"])


def _responses(method: str, path: str) -> dict[str, Any] | None:
    for template, operations in document()["paths"].items():
        if method.lower() in operations and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
            found: dict[str, Any] = operations[method.lower()]["responses"]
            return found
    return None


@contextmanager
def held() -> Iterator[None]:
    """Hold every message and every json transcript that this process makes meanwhile to its schema."""

    def message(make: Callable[..., str]) -> Callable[..., str]:
        def checked(*arguments: Any, **named: Any) -> str:
            body = make(*arguments, **named)
            check_named(json.loads(body), "Message")
            return body

        return checked

    def transcript(make: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        def checked(*arguments: Any, **named: Any) -> dict[str, Any]:
            published = make(*arguments, **named)
            check_named(json.loads(json.dumps(published)), "Transcript")
            return published

        return checked

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "write_body", message(events.write_body))
        patch.setattr(formats, "published", transcript(formats.published))
        yield
