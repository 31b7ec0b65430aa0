"""Encrypts webhook secrets under the deployment's KMS key. A ciphertext is bound to its callback."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_kms import KMSClient

    from services.common.domain.records import Callback


class Vault:
    """Encrypts in the API, which may not decrypt, and decrypts in the two senders, which may."""

    def __init__(self, kms: KMSClient, key_id: str) -> None:
        self._kms = kms
        self._key_id = key_id

    def seal(self, secret: str, *, client_id: str, callback_id: str) -> str:
        """Encrypt a secret; returns the ciphertext in base64."""
        reply = self._kms.encrypt(
            KeyId=self._key_id, Plaintext=secret.encode(), EncryptionContext=_context(client_id, callback_id)
        )
        return base64.b64encode(reply["CiphertextBlob"]).decode()

    def open(self, callback: Callback, now: int) -> list[str]:
        """Decrypt the secrets that are valid now, newest first."""
        return [
            self._decrypt(entry, callback)
            for entry in callback.secrets
            if entry.get("expires_at") is None or entry["expires_at"] > now
        ]

    def _decrypt(self, entry: Mapping[str, str], callback: Callback) -> str:
        reply = self._kms.decrypt(
            KeyId=self._key_id,
            CiphertextBlob=base64.b64decode(entry["ciphertext"]),
            EncryptionContext=_context(callback.client_id, callback.callback_id),
        )
        return reply["Plaintext"].decode()


def _context(client_id: str, callback_id: str) -> dict[str, str]:
    return {"client_id": client_id, "callback_id": callback_id}
