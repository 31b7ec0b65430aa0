"""Makes new callbacks, for the API and the command line."""

from __future__ import annotations

from collections.abc import Sequence

from services.common.domain import object_keys
from services.common.domain.events import DIRECT, EventType
from services.common.domain.ids import new_id
from services.common.domain.records import Callback
from services.common.domain.states import CallbackStatus
from services.common.webhooks import endpoint
from services.common.webhooks.vault import Vault

SUBSCRIBABLE = tuple(kind.value for kind in EventType if kind not in DIRECT)
DEFAULT_EVENTS = (EventType.COMPLETED.value, EventType.FAILED.value)


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
        prefix: only events of uploads under this prefix of the client's own folder are sent.
        description: for people.
        status: `pending` if the receiver must answer a challenge first.
        allow_private: see `endpoint.parse`.

    Raises:
        InvalidUrlError: the URL breaks a rule; the message says which.

    """
    endpoint.parse(url, allow_private=allow_private)
    callback_id = new_id("cb")
    sealed = vault.seal(secret, client_id=client_id, callback_id=callback_id)
    return Callback(
        callback_id=callback_id,
        client_id=client_id,
        url=url,
        events=list(dict.fromkeys(events)),
        prefix=object_keys.folder(client_id) + prefix,
        status=status,
        description=description,
        secrets=[{"ciphertext": sealed, "created_at": now}],
        created_at=now,
    )
