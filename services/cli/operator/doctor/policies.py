"""What a policy of AWS's says. Pure."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def statements(policy: str | None) -> Sequence[Mapping[str, Any]]:
    """The statements of a policy, as AWS replies it; none if there is none."""
    told = json.loads(policy or "{}").get("Statement", [])
    return told if isinstance(told, list) else [told]


def words(value: object) -> list[str]:
    """The words of a list, which a policy may write as a word if it is one; empty if it is neither."""
    return [value] if isinstance(value, str) else list(value) if isinstance(value, list) else []


def lets(statement: Mapping[str, Any], service: str, action: str, source: str) -> bool:
    """Whether a statement lets a service of AWS's do something on behalf of the resource with the ARN `source`."""
    principal = statement.get("Principal")
    services = words(principal.get("Service")) if isinstance(principal, dict) else words(principal)
    sources = [
        arn
        for condition in statement.get("Condition", {}).values()
        for name, value in condition.items()
        if name.lower() == "aws:sourcearn"
        for arn in words(value)
    ]
    return (
        statement["Effect"] == "Allow"
        and bool({service, "*"} & set(services))
        and any(fnmatchcase(action.lower(), one.lower()) for one in words(statement.get("Action")))
        and (not sources or any(fnmatchcase(source, one) for one in sources))
    )
