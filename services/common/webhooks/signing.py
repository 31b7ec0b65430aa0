"""Signs messages according to Standard Webhooks: three headers by which a receiver verifies a message."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

from services.common.domain.times import SECOND_MS
from services.common.webhooks import secrets

_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


def message_headers(
    *, event_id: str, callback_id: str, body: bytes, active_secrets: Sequence[str], now: int
) -> dict[str, str]:
    """All headers of one attempt that say something of the message.

    Args:
        event_id: of the event.
        callback_id: for which the message is.
        body: as for `signed_headers`.
        active_secrets: as for `signed_headers`.
        now: epoch milliseconds, of this attempt.

    Raises:
        ValueError: as `signed_headers`.

    """
    signed = signed_headers(
        message_id=event_id, timestamp_seconds=now // SECOND_MS, body=body, active_secrets=active_secrets
    )
    return signed | {
        "webhook-callback-id": callback_id,
        "content-type": "application/json",
        "user-agent": "gpu-transcriber-webhooks/1",
    }


def signed_headers(
    *, message_id: str, timestamp_seconds: int, body: bytes, active_secrets: Sequence[str]
) -> dict[str, str]:
    """The headers `webhook-id`, `webhook-timestamp` and `webhook-signature` of one attempt.

    Args:
        message_id: the same for every attempt at one message; letters, digits, `_` and `-`.
        timestamp_seconds: Unix time of this attempt. A receiver accepts five minutes' difference from its own clock.
        body: the exact bytes that are sent, in UTF-8.
        active_secrets: one, or several during a rotation. Each gives one signature; spaces separate them.

    Raises:
        ValueError: there is no secret, or the secret, the message id or the body is malformed.

    """
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError("A message id consists of 1 to 128 letters, digits, underscores and hyphens.")
    if not active_secrets:
        raise ValueError("A message is signed with at least one secret.")
    # The library does not convert time zones but takes any time for UTC, so it must be given UTC.
    timestamp = datetime.fromtimestamp(timestamp_seconds, UTC)
    text = body.decode("utf-8")
    signatures = [Webhook(secrets.check(secret)).sign(message_id, timestamp, text) for secret in active_secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_seconds),
        "webhook-signature": " ".join(signatures),
    }
