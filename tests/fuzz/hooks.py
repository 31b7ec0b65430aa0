"""What a well-behaved client does and a generator does not.

It takes a new idempotency key for each new request, counts the bytes of its hints and its metadata, and names only
callbacks that it has registered. No schema can say that.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import schemathesis

from services.common.domain.annotations import MAX_METADATA_BYTES
from services.common.domain.options import MAX_HINT_CHARACTERS

_KEY = re.compile(r"[A-Za-z0-9_:.-]{1,200}")


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Change what is valid by its schema; requests that are wrong on purpose stay as they were generated."""
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and _KEY.fullmatch(key):
        case.headers["Idempotency-Key"] = uuid.uuid4().hex
    if isinstance(case.body, dict) and isinstance(metadata := case.body.get("metadata"), dict):
        while len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_METADATA_BYTES:
            metadata.popitem()
    if isinstance(case.body, dict):
        case.body.pop("callback_id", None)
    if isinstance(case.body, dict) and isinstance(options := case.body.get("options"), dict):
        for hint in {"prompt", "hotwords"} & options.keys():
            if isinstance(text := options[hint], str):
                options[hint] = text[: MAX_HINT_CHARACTERS // 2]
