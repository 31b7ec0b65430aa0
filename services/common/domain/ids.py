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
_IN_ORDER = "234567abcdefghijklmnopqrstuvwxyz"
"""The digits of base32 in the order of their texts, so that larger numbers of equal length are later texts."""
TIME_LENGTH = 9
"""Characters of base32 of a time: 45 bits of epoch milliseconds, which last until the year 3084."""


def _digest(*words: str) -> str:
    whole = hashlib.sha256("\0".join(words).encode()).digest()
    return base64.b32encode(whole).decode().lower()[:_LENGTH]


def new_id(kind: str) -> str:
    """A new random id such as `job_4k2…`; `kind` is the word before the underscore."""
    return f"{kind}_{base64.b32encode(secrets.token_bytes(17)).decode().lower()[:_LENGTH]}"


def new_api_key() -> str:
    """A new API key, of 256 random bits."""
    return f"key_{secrets.token_urlsafe(32)}"


def listener_id(secret: str) -> str:
    """The id of the callback that `transcribe listen` stands in for: the same as long as the secret is."""
    return f"cb_{_digest('listen', secret)}"


def upload_job_id(bucket: str, key: str, etag: str) -> str:
    """The id of a plain upload's job: one object gives one job, however often S3 sends its event."""
    return f"job_{_digest(bucket, key, etag)}"


def event_id(job_id: str, event_type: str, serial: str, sequence: int) -> str:
    """The id of a job's event. Ids in the order of their texts are in the order of their sequences.

    Ids from earlier releases have the same form, but their order says nothing.

    Args:
        job_id: of the job.
        event_type: of the event.
        serial: tells repeated events of one type apart.
        sequence: of the event, epoch milliseconds.

    """
    return f"evt_{time_text(sequence)}{_digest(job_id, event_type, serial)[: _LENGTH - TIME_LENGTH]}"


def time_text(milliseconds: int, alphabet: str = _IN_ORDER) -> str:
    """A time in `TIME_LENGTH` digits of base32, the most significant one first; `alphabet` has the 32 digits."""
    text = ""
    for _ in range(TIME_LENGTH):
        milliseconds, digit = divmod(milliseconds, len(alphabet))
        text = alphabet[digit] + text
    return text


def key_digest(api_key: str) -> str:
    """The sha256 of an API key, as which it is stored. A key has 256 random bits, so no salt is needed."""
    return hashlib.sha256(api_key.encode()).hexdigest()
