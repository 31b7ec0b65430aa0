"""Ids, random or derived from what they name.

Pure functions take random ids as arguments. Derived ids are functions of what they name, so that a repeated or
reordered message makes nothing twice.
"""

from __future__ import annotations

import base64
import hashlib
import secrets

_LENGTH = 26
"""Characters of base32: 130 bits, enough that two ids are never the same."""


def _digest(*words: str) -> str:
    whole = hashlib.sha256("\0".join(words).encode()).digest()
    return base64.b32encode(whole).decode().lower()[:_LENGTH]


def new_id(kind: str) -> str:
    """A new random id such as `job_4k2…`; `kind` is the word before the underscore."""
    return f"{kind}_{base64.b32encode(secrets.token_bytes(17)).decode().lower()[:_LENGTH]}"


def new_api_key() -> str:
    """A new API key, of 256 random bits."""
    return f"key_{secrets.token_urlsafe(32)}"


def upload_job_id(bucket: str, key: str, etag: str) -> str:
    """The id of a plain upload's job: one object gives one job, however often S3 sends its event."""
    return f"job_{_digest(bucket, key, etag)}"


def event_id(job_id: str, event_type: str, serial: str) -> str:
    """The id of a job's event; `serial` tells repeated events of one type apart."""
    return f"evt_{_digest(job_id, event_type, serial)}"


def key_digest(api_key: str) -> str:
    """The sha256 of an API key, as which it is stored. A key has 256 random bits, so no salt is needed."""
    return hashlib.sha256(api_key.encode()).hexdigest()
