"""Webhook secrets, which the receiver and this system share: `whsec_` and base64."""

from __future__ import annotations

import base64
import binascii
import secrets

PREFIX = "whsec_"
SECRET_BYTES = 32
# The lengths that Standard Webhooks requires. Its library would accept five bytes.
_MIN_BYTES, _MAX_BYTES = 24, 64


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def check(secret: str) -> str:
    """Check a secret and return it.

    Raises:
        ValueError: it is not `whsec_` and the base64 of 24 to 64 bytes. The message does not hold the secret.

    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not _MIN_BYTES <= len(key) <= _MAX_BYTES:
        raise ValueError(f"A secret is {PREFIX} and the base64 of {_MIN_BYTES} to {_MAX_BYTES} bytes.")
    return secret
