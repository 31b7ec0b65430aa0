"""Checks an upload by form against its policy, as S3 does and moto does not.

Whether the policy was signed is checked in `signatures.py`.
"""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.local.emulator.refusals import RefusedError

FILE_NAME = "${filename}"
"""In any field, this stands for the name under which the file was sent."""
_LENGTH = "content-length-range"
_UNCONDITIONAL = {"awsaccesskeyid", "file", "policy", "signature", "x-amz-signature"}
"""Every other field must be named by a condition, or begin with `x-ignore-`."""


def check(bucket: str, fields: Iterable[tuple[str, str]], file_name: str, size: int, now: datetime) -> None:
    """Check a form against its own policy.

    Args:
        bucket: to which it is sent.
        fields: names and values of all fields but the file.
        file_name: under which the file was sent.
        size: of the file, in bytes.
        now: the time, by which the policy may have expired.

    Raises:
        RefusedError: the form does not meet the policy, or has none.

    """
    sent = re.split(r"[/\\]", file_name)[-1]
    given: defaultdict[str, list[str]] = defaultdict(list, bucket=[bucket])
    for name, value in fields:
        given[name.lower()].append(value.replace(FILE_NAME, sent))
    if "policy" not in given:
        raise RefusedError(403, "AccessDenied", "Access Denied")
    policy = json.loads(base64.b64decode(given["policy"][0]))
    if datetime.fromisoformat(policy["expiration"]) <= now:
        raise _against_policy("Policy expired.")
    lengths = [condition for condition in policy["conditions"] if _LENGTH in condition]
    _check_fields(given, [_parts(condition) for condition in policy["conditions"] if condition not in lengths])
    for _, low, high in lengths:
        if size < low:
            raise RefusedError(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        if size > high:
            raise RefusedError(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")


def _check_fields(given: Mapping[str, Sequence[str]], conditions: Sequence[tuple[str, str, str]]) -> None:
    for kind, name, wanted in conditions:
        values = given.get(name.lower(), ())
        met = [value == wanted or (kind == "starts-with" and value.startswith(wanted)) for value in values]
        if not met or not all(met):
            condition = json.dumps([kind, f"${name}", wanted], ensure_ascii=False)
            raise _against_policy(f"Policy Condition failed: {condition}")
    named = {name.lower() for _, name, _ in conditions}
    extra = sorted(name for name in given.keys() - named - _UNCONDITIONAL if not name.startswith("x-ignore-"))
    if extra:
        raise _against_policy(f"Extra input fields: {', '.join(extra)}")


def _parts(condition: Any) -> tuple[str, str, str]:
    """The parts of a condition: how it compares, the field's name, and the value."""
    if isinstance(condition, dict):
        ((name, value),) = condition.items()
        return "eq", name, value
    kind, name, value = condition
    return kind, name.removeprefix("$"), value


def _against_policy(how: str) -> RefusedError:
    return RefusedError(403, "AccessDenied", f"Invalid according to Policy: {how}")
