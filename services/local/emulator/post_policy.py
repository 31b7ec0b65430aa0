"""S3's reading of an upload by form: what its policy says is held to, which moto does not do.

Nobody looks at the signature, as nowhere in the emulator: whoever writes a policy of their own is not found out.
"""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

FILE_NAME = "${filename}"
"""In any field it stands for the name under which the file was sent."""
_LENGTH = "content-length-range"
_UNCONDITIONAL = {"awsaccesskeyid", "file", "policy", "signature", "x-amz-signature"}
"""Every other field must be named by a condition, or begin with `x-ignore-`."""


class UploadRefusedError(Exception):
    """S3 does not take the upload; the message is S3's own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def check(bucket: str, fields: Iterable[tuple[str, str]], file_name: str, size: int, now: datetime) -> None:
    """Hold a form to its own policy.

    Raises:
        UploadRefusedError: it is not what the policy says, or has none.

    """
    sent = re.split(r"[/\\]", file_name)[-1]
    given: defaultdict[str, list[str]] = defaultdict(list, bucket=[bucket])
    for name, value in fields:
        given[name.lower()].append(value.replace(FILE_NAME, sent))
    if "policy" not in given:
        raise UploadRefusedError(403, "AccessDenied", "Access Denied")
    policy = json.loads(base64.b64decode(given["policy"][0]))
    if datetime.fromisoformat(policy["expiration"]) <= now:
        raise _against_policy("Policy expired.")
    lengths = [condition for condition in policy["conditions"] if _LENGTH in condition]
    _check_fields(given, [_parts(condition) for condition in policy["conditions"] if condition not in lengths])
    for _, low, high in lengths:
        if size < low:
            raise UploadRefusedError(
                400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"
            )
        if size > high:
            raise UploadRefusedError(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")


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
    """How it compares, the field's name, and with what."""
    if isinstance(condition, dict):
        ((name, value),) = condition.items()
        return "eq", name, value
    kind, name, value = condition
    return kind, name.removeprefix("$"), value


def _against_policy(how: str) -> UploadRefusedError:
    return UploadRefusedError(403, "AccessDenied", f"Invalid according to Policy: {how}")
