"""IAM's decision, as far as policies here need it: allow statements, wildcards, and the conditions that they use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.support.aws_requests import Request


@dataclass(frozen=True)
class Statement:
    """One allow statement of a role's policy."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]]

    def on(self, resource: str) -> Statement:
        """The part of the request that concerns this resource."""
        return replace(self, resources=(resource,))

    def allows(self, request: Request) -> bool:
        return (
            request.action in self.actions
            and any(_like(request.resource, pattern) for pattern in self.resources)
            and all(
                _holds(operator, request.context.get(key, []), _listed(wanted))
                for operator, keys in self.conditions.items()
                for key, wanted in keys.items()
            )
        )


def statements(policies: Iterable[Mapping[str, Any]]) -> list[Statement]:
    """The statements of policy documents; only allowing ones are understood.

    Raises:
        LookupError: a statement that denies, or that says what is not allowed.

    """
    found = []
    for policy in policies:
        for statement in _listed(policy["Statement"]):
            if statement["Effect"] != "Allow" or {"NotAction", "NotResource"} & set(statement):
                raise LookupError(f"{statement.get('Sid')} is not understood here")
            actions, resources = tuple(_listed(statement["Action"])), tuple(_listed(statement["Resource"]))
            found.append(Statement(statement.get("Sid", ""), actions, resources, statement.get("Condition", {})))
    return found


def _holds(operator: str, given: list[str], wanted: list[str]) -> bool:
    """IAM's condition operators: a key that the request lacks fails all but `Null`, `…IfExists` and `ForAllValues`."""
    if operator == "Null":
        return (not given) == (wanted == ["true"])
    if operator.endswith("IfExists"):
        return not given or _holds(operator.removesuffix("IfExists"), given, wanted)
    if operator.startswith("ForAllValues:"):
        return all(_matches(operator.removeprefix("ForAllValues:"), value, wanted) for value in given)
    return bool(given) and all(_matches(operator, value, wanted) for value in given)


def _matches(operator: str, value: str, wanted: list[str]) -> bool:
    if operator in {"StringEquals", "Bool"}:
        return value in wanted
    if operator in {"StringLike", "ArnEquals", "ArnLike"}:
        return any(_like(value, pattern) for pattern in wanted)
    raise LookupError(f"the condition operator {operator} is not understood here")


def _like(value: str, pattern: str) -> bool:
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
