"""Standard Webhooks signatures: the three headers that let a receiver trust a message."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

from services.common.webhooks import secrets

_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


def signed_headers(
    *, message_id: str, timestamp_seconds: int, body: bytes, active_secrets: Sequence[str]
) -> dict[str, str]:
    """`webhook-id`, `webhook-timestamp` and `webhook-signature` for one attempt.

    :param message_id: the same for every attempt at one message; letters, digits, `_` and `-`.
    :param timestamp_seconds: Unix time of this attempt; a receiver allows five minutes from its own clock.
    :param body: the exact bytes that are sent; UTF-8.
    :param active_secrets: one, or during a rotation two: each gives one signature, separated by spaces.
    :raises ValueError: no secret, a malformed one, a message id that is none, or a body that is not UTF-8.
    """
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError("A message id consists of 1 to 128 letters, digits, underscores and hyphens.")
    if not active_secrets:
        raise ValueError("A message is signed with at least one secret.")
    # The library puts UTC in place of whatever zone it is given instead of converting, so it is given UTC.
    timestamp = datetime.fromtimestamp(timestamp_seconds, UTC)
    text = body.decode("utf-8")
    signatures = [Webhook(secrets.check(secret)).sign(message_id, timestamp, text) for secret in active_secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_seconds),
        "webhook-signature": " ".join(signatures),
    }
