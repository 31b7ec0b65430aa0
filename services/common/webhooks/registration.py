"""Makes and changes callbacks, for the API and the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.common.domain import object_keys
from services.common.domain.errors import TranscriberError
from services.common.domain.events import DIRECT, EventType
from services.common.domain.ids import new_id
from services.common.domain.records import Callback
from services.common.domain.states import CallbackStatus
from services.common.domain.times import DAY_MS, rfc3339
from services.common.webhooks import endpoint
from services.common.webhooks.vault import Vault

SUBSCRIBABLE = tuple(kind.value for kind in EventType if kind not in DIRECT)
DEFAULT_EVENTS = (EventType.COMPLETED.value, EventType.FAILED.value)
OVERLAP_MS = DAY_MS
"""How long an old secret still signs beside the new one."""
MAX_SECRETS = 4
"""Most secrets that sign one message."""


class TooManySecretsError(TranscriberError):
    """One more secret would take the place of an old one that must still sign."""

    code = "TOO_MANY_SECRETS"

    def __init__(self, possible_at: int) -> None:
        """`possible_at`: when the next rotation is possible, epoch milliseconds."""
        super().__init__(
            f"The callback's {MAX_SECRETS} secrets all still sign, each old one for its 24 hours: "
            f"rotate again at {rfc3339(possible_at)} or later."
        )
        self.possible_at = possible_at


def new_callback(
    *,
    client_id: str,
    url: str,
    secret: str,
    vault: Vault,
    now: int,
    events: Sequence[str] = DEFAULT_EVENTS,
    prefix: str = "",
    description: str | None = None,
    status: CallbackStatus = CallbackStatus.ACTIVE,
    allow_private: bool = False,
) -> Callback:
    """Make a callback, with its secret encrypted. It is not stored here.

    Args:
        client_id: of the client to which it belongs.
        url: of the receiver.
        secret: with which messages are signed.
        vault: encrypts the secret.
        now: epoch milliseconds.
        events: types of events that are sent.
        prefix: only events of jobs are sent whose file name, or key within the client's own folder, begins with this.
        description: for people.
        status: `pending` if the receiver must answer a challenge first.
        allow_private: see `endpoint.parse`.

    Raises:
        InvalidUrlError: the URL breaks a rule; the message says which.

    """
    target = checked({"url": url, "events": events, "prefix": prefix}, client_id, allow_private=allow_private)
    callback_id = new_id("cb")
    sealed = vault.seal(secret, client_id=client_id, callback_id=callback_id)
    return Callback(
        callback_id=callback_id,
        client_id=client_id,
        **target,
        status=status,
        description=description,
        secrets=[{"ciphertext": sealed, "created_at": now}],
        created_at=now,
    )


def checked(given: Mapping[str, Any], client_id: str, *, allow_private: bool) -> dict[str, Any]:
    """Check what a client gave of a callback; returns it as it is stored.

    Args:
        given: any of `url`, `events`, `prefix` and `description`.
        client_id: of the client to which the callback belongs.
        allow_private: see `endpoint.parse`.

    Raises:
        InvalidUrlError: the URL breaks a rule; the message says which.

    """
    stored = dict(given)
    if "url" in given:
        endpoint.parse(given["url"], allow_private=allow_private)
    if "events" in given:
        stored["events"] = list(dict.fromkeys(given["events"]))
    if "prefix" in given:
        stored["prefix"] = object_keys.folder(client_id) + given["prefix"]
    return stored


def rotated(callback: Callback, ciphertext: str, now: int) -> list[dict[str, Any]]:
    """The callback's secrets with a new one, newest first; the old ones end after `OVERLAP_MS`.

    Args:
        callback: as it was read.
        ciphertext: of the new secret.
        now: epoch milliseconds.

    Raises:
        TooManySecretsError: `MAX_SECRETS` sign at present, so that an old one would end before its time.

    """
    old = [
        {**entry, "expires_at": entry.get("expires_at") or now + OVERLAP_MS}
        for entry in callback.secrets
        if entry.get("expires_at", now + 1) > now
    ]
    if len(old) >= MAX_SECRETS:
        raise TooManySecretsError(min(entry["expires_at"] for entry in old))
    return [{"ciphertext": ciphertext, "created_at": now}, *old]
