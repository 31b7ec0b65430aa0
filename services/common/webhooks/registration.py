"""A new callback, however it was asked for: over the API or on the command line."""

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
    """A callback that is not stored yet, with its secret sealed.

    :param prefix: of the uploads it hears of, within the client's own folder.
    :param status: `pending` where a challenge is to be answered first.
    :raises InvalidUrlError: messages are not sent there.
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
