"""What changed between two OpenAPI documents so that a program that was written for the first may fail. Pure.

A change has a name, such as `JobView.result` or `GET /api/jobs`, by which CHANGELOG must speak of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Schema = Mapping[str, Any]
COMPONENTS = "#/components/schemas/"
LOWER_BOUNDS, UPPER_BOUNDS = ("minimum", "minLength", "minItems"), ("maximum", "maxLength", "maxItems")


class Change(NamedTuple):
    """A change that can break a program."""

    name: str
    what: str


def breaking(old: Schema, new: Schema) -> set[Change]:
    """Every change from `old` to `new` that can break a program which only does what `old` says."""
    comparison = _Comparison(old, new)
    return set(comparison.operations()) | set(comparison.webhooks())


def _operations(document: Schema, place: str = "paths") -> dict[str, Schema]:
    return {
        f"{method.upper()} {path}" if place == "paths" else path: operation
        for path, operations in document.get(place, {}).items()
        for method, operation in operations.items()
    }


class _Comparison:
    def __init__(self, old: Schema, new: Schema) -> None:
        self._old, self._new = old, new
        self._seen: set[tuple[str, str, bool]] = set()

    def operations(self) -> Iterator[Change]:
        now = _operations(self._new)
        for name, before in _operations(self._old).items():
            if name not in now:
                yield Change(name, "the operation is gone")
                continue
            after = now[name]
            if before["operationId"] != after["operationId"]:
                yield Change(before["operationId"], "the operation has another name")
            yield from self._parameters(name, before, after)
            yield from self._request(name, before, after)
            yield from self._replies(name, before, after)

    def webhooks(self) -> Iterator[Change]:
        now = _operations(self._new, "webhooks")
        for name, before in _operations(self._old, "webhooks").items():
            if name not in now:
                yield Change(name, "the message is gone")
            else:
                schemas = [_json(one["requestBody"]) for one in (before, now[name])]
                yield from self._schema(name, schemas[0], schemas[1], sent=False)

    def _parameters(self, name: str, before: Schema, after: Schema) -> Iterator[Change]:
        known, now = ({one["name"]: one for one in operation.get("parameters", [])} for operation in (before, after))
        for parameter, one in now.items():
            label = f"{name} {parameter}"
            if parameter in known:
                yield from self._schema(label, known[parameter]["schema"], one["schema"], sent=True)
            if one["required"] and not known.get(parameter, {"required": False})["required"]:
                yield Change(label, "the parameter is required")
        for parameter in known.keys() - now.keys():
            yield Change(f"{name} {parameter}", "the parameter is gone")

    def _request(self, name: str, before: Schema, after: Schema) -> Iterator[Change]:
        known, now = before.get("requestBody"), after.get("requestBody")
        if known and now:
            yield from self._schema(name, _json(known), _json(now), sent=True)
        if now and now.get("required") and not (known and known.get("required")):
            yield Change(name, "a body is required")

    def _replies(self, name: str, before: Schema, after: Schema) -> Iterator[Change]:
        for status, reply in before["responses"].items():
            if status not in after["responses"]:
                yield Change(f"{name} {status}", "this answer is gone")
                continue
            contents = [one.get("content", {}) for one in (reply, after["responses"][status])]
            for kind, content in contents[0].items():
                if kind not in contents[1]:
                    yield Change(f"{name} {status}", f"this answer is not {kind} any more")
                else:
                    yield from self._schema(name, content["schema"], contents[1][kind]["schema"], sent=False)

    def _schema(self, name: str, before: Schema, after: Schema, *, sent: bool) -> Iterator[Change]:
        """Compare two schemas; `sent`: of what programs send, which must not narrow; else it must not widen."""
        before = _not_null(before)
        if "$ref" in before:
            name = before["$ref"].removeprefix(COMPONENTS)
            key = (name, str(_not_null(after).get("$ref")), sent)
            if key in self._seen:
                return
            self._seen.add(key)
            if name not in self._new["components"]["schemas"]:
                yield Change(name, "the schema has another name")
        before, after = _resolved(self._old, before), _resolved(self._new, after)
        yield from self._kinds(name, before, after, sent=sent)
        yield from _words(name, before, after, sent=sent)
        if sent:
            yield from _bounds(name, before, after)
        yield from self._fields(name, before, after, sent=sent)
        if "items" in before and "items" in after:
            yield from self._schema(name, before["items"], after["items"], sent=sent)

    def _kinds(self, name: str, before: Schema, after: Schema, *, sent: bool) -> Iterator[Change]:
        known, now = _kinds(self._old, before), _kinds(self._new, after)
        if known and now:
            if sent and (lost := known - now):
                yield Change(name, f"{_listed(lost)} is not taken any more")
            if not sent and (new := now - known):
                yield Change(name, f"it may be {_listed(new)}")

    def _null(self, name: str, before: Schema, after: Schema, *, sent: bool) -> Iterator[Change]:
        could, can = (_kinds(document, one) for document, one in ((self._old, before), (self._new, after)))
        if sent and "null" in could and can and "null" not in can:
            yield Change(name, "null is not taken any more")
        if not sent and "null" in can and could and "null" not in could:
            yield Change(name, "it may be null")

    def _fields(self, name: str, before: Schema, after: Schema, *, sent: bool) -> Iterator[Change]:
        known, now = before.get("properties", {}), after.get("properties", {})
        if not known:
            return
        for field, schema in known.items():
            label = f"{name}.{field}"
            if field not in now:
                yield Change(label, "the field is gone")
            else:
                yield from self._schema(label, schema, now[field], sent=sent)
                yield from self._null(label, schema, now[field], sent=sent)
        required, requires = set(before.get("required", ())), set(after.get("required", ()))
        for field in requires - required if sent else (required - requires) & now.keys():
            yield Change(f"{name}.{field}", "the field is required" if sent else "the field may be absent")


def _json(body: Schema) -> Schema:
    schema: Schema = body["content"]["application/json"]["schema"]
    return schema


def _resolved(document: Schema, schema: Schema) -> Schema:
    """The schema itself: references are followed, and of alternatives with null the other one is taken."""
    while "$ref" in (schema := _not_null(schema)):
        schema = document["components"]["schemas"][schema["$ref"].removeprefix(COMPONENTS)]
    return schema


def _not_null(schema: Schema) -> Schema:
    others = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return others[0] if len(others) == 1 else schema


def _kinds(document: Schema, schema: Schema) -> set[str]:
    """The types that a value can have; empty if the schema allows any."""
    if "$ref" in schema:
        return _kinds(document, _resolved(document, schema))
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return {kind for one in alternatives for kind in _kinds(document, one)}
    return {schema["type"]} if "type" in schema else set()


def _words(name: str, before: Schema, after: Schema, *, sent: bool) -> Iterator[Change]:
    known, now = _enumerated(before), _enumerated(after)
    if sent and known is None and now is not None:
        yield Change(name, "only some words are taken")
    elif known is not None and now is not None:
        if sent and (lost := known - now):
            yield Change(name, f"{_listed(lost)} is not taken any more")
        if not sent and (new := now - known):
            yield Change(name, f"it may be {_listed(new)}")


def _enumerated(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {str(schema["const"])}
    return set(map(str, schema["enum"])) if "enum" in schema else None


def _bounds(name: str, before: Schema, after: Schema) -> Iterator[Change]:
    for bound in LOWER_BOUNDS:
        if bound in after and after[bound] > before.get(bound, float("-inf")):
            yield Change(name, f"{bound} is {after[bound]}")
    for bound in UPPER_BOUNDS:
        if bound in after and after[bound] < before.get(bound, float("inf")):
            yield Change(name, f"{bound} is {after[bound]}")


def _listed(words: set[str]) -> str:
    return ", ".join(sorted(words))
