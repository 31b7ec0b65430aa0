"""What a well-behaved client does and a generator does not.

It takes a new idempotency key for each new request, names no callback that it has not registered, and does what the
schema says in words only: it counts the characters of its hints and of a URL's host, the bytes of its metadata and of
its recording, and asks for the formats that its options need.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import schemathesis

from services.api.settings import ApiSettings
from services.common.domain.annotations import MAX_METADATA_BYTES
from services.common.domain.options import DEFAULT_FORMATS, FORMATS, MAX_HINT_CHARACTERS
from tests.support.urls import with_a_host_of_dns

MAX_UPLOAD_BYTES = ApiSettings.model_fields["max_upload_bytes"].default
NEEDS = {"words": "json", "doubtful_places": "docx"}
"""Which format an option needs."""
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
        if isinstance(size := case.body.get("size"), (int, float)) and size > MAX_UPLOAD_BYTES:
            case.body["size"] = MAX_UPLOAD_BYTES
        _shorten_host(case.body)
        _shorten_host(case.body.get("callback"))
    if isinstance(case.body, dict) and isinstance(options := case.body.get("options"), dict):
        for hint in {"prompt", "hotwords"} & options.keys():
            if isinstance(text := options[hint], str):
                options[hint] = text[: MAX_HINT_CHARACTERS // 2]
        _ask_for_formats(options)


def _shorten_host(target: object) -> None:
    if isinstance(target, dict) and isinstance(url := target.get("url"), str):
        target["url"] = with_a_host_of_dns(url)


def _ask_for_formats(options: dict[str, Any]) -> None:
    needed = {form for option, form in NEEDS.items() if options.get(option) is True}
    formats = options.get("formats")
    if formats is None and not needed <= set(DEFAULT_FORMATS):
        options["formats"] = sorted(needed)
    elif isinstance(formats, list):
        options["formats"] = [*formats, *sorted(needed - set(formats))][-len(FORMATS) :]
