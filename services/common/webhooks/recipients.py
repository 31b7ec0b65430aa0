"""Caches the callbacks to which deliveries go, with their decrypted secrets, for some seconds."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from services.common.domain.records import Callback
from services.common.domain.times import SECOND_MS
from services.common.store.callbacks import Callbacks
from services.common.webhooks.vault import Vault

REMEMBERED_MS = 10 * SECOND_MS
"""How long a callback is cached: many deliveries at once need one read and one decryption. A change shows so much
later."""


@dataclass
class Addressee:
    """A callback with its secrets, which are decrypted when the first message is signed."""

    callback: Callback
    vault: Vault
    read_at: int

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._secrets: list[str] | None = None

    def secrets(self, now: int) -> list[str]:
        """The secrets that are valid now, newest first. They are decrypted at the first call only."""
        with self._lock:
            if self._secrets is None:
                self._secrets = self.vault.open(self.callback, now)
            return self._secrets


class Addressees:
    """The cached callbacks. Safe for threads: two threads may both read a callback, which does no harm."""

    def __init__(self, callbacks: Callbacks, vault: Vault) -> None:
        self._callbacks = callbacks
        self._vault = vault
        self._known: dict[str, Addressee] = {}

    def find(self, client_id: str, callback_id: str, job_id: str | None, now: int) -> Addressee | None:
        """The callback, from the cache or from the table; None if it does not exist any more."""
        known = self._known.get(callback_id)
        if known is None or now - known.read_at >= REMEMBERED_MS:
            callback = self._callbacks.get(client_id, callback_id, job_id)
            if callback is None:
                return None
            known = self._known[callback_id] = Addressee(callback, self._vault, now)
        return known

    def forget(self, callback: Callback) -> None:
        self._known.pop(callback.callback_id, None)
