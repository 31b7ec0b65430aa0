"""What is signed here is accepted by the official library, and nothing else is."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from services.common.webhooks import secrets
from services.common.webhooks.signing import signed_headers

keys = st.binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode())
message_ids = st.text("abcXYZ019_-", min_size=1, max_size=128)
bodies = st.dictionaries(st.text(), st.text() | st.integers() | st.none()).map(
    lambda content: json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
)


@given(key=keys, message_id=message_ids, body=bodies, seconds_ago=st.integers(-280, 280))
def test_a_signature_is_accepted_by_the_official_library(
    key: str, message_id: str, body: bytes, seconds_ago: int
) -> None:
    headers = signed_headers(
        message_id=message_id,
        timestamp_seconds=int(time.time()) - seconds_ago,
        body=body,
        active_secrets=[key],
    )

    assert Webhook(key).verify(body, headers) == json.loads(body)


@given(old=keys, new=keys, body=bodies)
def test_during_a_rotation_both_secrets_verify(old: str, new: str, body: bytes) -> None:
    headers = signed_headers(message_id="m", timestamp_seconds=int(time.time()), body=body, active_secrets=[new, old])

    Webhook(old).verify(body, headers)
    Webhook(new).verify(body, headers)


@given(key=keys, other=keys, body=bodies, position=st.integers(min_value=0))
def test_no_other_secret_body_id_or_time_verifies(key: str, other: str, body: bytes, position: int) -> None:
    now = int(time.time())
    headers = signed_headers(message_id="m", timestamp_seconds=now, body=body, active_secrets=[key])
    changed = bytearray(body)
    changed[position % len(body)] ^= 0x01

    if other != key:
        with pytest.raises(WebhookVerificationError):
            Webhook(other).verify(body, headers)
    with pytest.raises((WebhookVerificationError, UnicodeDecodeError)):
        Webhook(key).verify(bytes(changed), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(body, headers | {"webhook-id": "n"})
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(body, headers | {"webhook-timestamp": str(now + 1)})


def test_a_message_from_six_minutes_ago_cannot_be_replayed() -> None:
    key = secrets.new_secret()
    headers = signed_headers(message_id="m", timestamp_seconds=int(time.time()) - 360, body=b"{}", active_secrets=[key])

    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(key).verify(b"{}", headers)


@pytest.mark.parametrize("message_id", ["", "a.b", "a\r\nx: y", "å", "a" * 129, "a b"])
def test_a_message_id_cannot_smuggle_anything_into_a_header(message_id: str) -> None:
    with pytest.raises(ValueError, match="message id"):
        signed_headers(message_id=message_id, timestamp_seconds=0, body=b"", active_secrets=[secrets.new_secret()])


@pytest.mark.parametrize(
    "secret",
    [
        *("", "whsec_", "whsec_AAAAAAA=", "whsec_!" + "A" * 43, "whsec_" + "A" * 200),
        base64.b64encode(bytes(32)).decode(),
    ],
)
def test_a_secret_that_is_short_long_or_malformed_signs_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match="secret is whsec_"):
        signed_headers(message_id="m", timestamp_seconds=0, body=b"", active_secrets=[secret])


def test_nothing_is_sent_unsigned() -> None:
    with pytest.raises(ValueError, match="at least one secret"):
        signed_headers(message_id="m", timestamp_seconds=0, body=b"", active_secrets=[])


def test_a_new_secret_is_32_random_bytes() -> None:
    one, other = secrets.new_secret(), secrets.new_secret()

    assert len(base64.b64decode(one.removeprefix("whsec_"))) == secrets.SECRET_BYTES
    assert secrets.check(one) == one != other
