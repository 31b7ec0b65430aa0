"""`Idempotency-Key`: a POST that is sent twice happens once, and gets the same answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response

from services.api.auth import service
from services.common.domain.ids import key_digest
from services.common.store.idempotency import IdempotencyRecord
from services.common.webhooks.secrets import PREFIX, SECRET_BYTES, new_secret

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
"""The header of an answer whose request was carried out before under its key."""


@dataclass(frozen=True, kw_only=True)
class Idempotency:
    """The idempotency key of one request, if it has one."""

    client_id: str
    api_key: str
    key: str | None
    fingerprint: str
    now: int
    response: Response = field(default_factory=Response)
    """Its headers join those of the reply."""

    def record(self, **reference: Any) -> IdempotencyRecord | None:  # noqa: ANN401 - JSON
        """The record that joins the request's transaction, None without a key.

        The reply can be made again from `reference`.
        """
        if self.key is None:
            return None
        return IdempotencyRecord(
            client_id=self.client_id,
            key=self.key,
            fingerprint=self.fingerprint,
            at=self.now,
            reference=reference,
            on_replay=self._say_so,
        )

    def _say_so(self) -> None:
        self.response.headers[REPLAYED] = "true"

    def fresh_secret(self) -> tuple[str, dict[str, str]]:
        """Make a webhook secret; returns it, and the part that is stored in the record's reference.

        If the reply is lost, a repeated request must get the same secret, which is not stored in the clear. So with
        an idempotency key, the secret is computed from 32 random bytes, which are stored for a day, and from the
        caller's API key, of which only a hash is stored: the table alone does not reveal the secret.
        """
        if self.key is None:
            return new_secret(), {}
        seed = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
        return self.earlier_secret({"seed": seed}), {"seed": seed}

    def earlier_secret(self, reference: Mapping[str, Any]) -> str:
        """The secret of the earlier reply to this very request, from its record's reference."""
        seed = base64.b64decode(reference["seed"])
        return PREFIX + base64.b64encode(hmac.digest(self.api_key.encode(), seed, "sha256")).decode()


async def idempotency(
    request: Request,
    response: Response,
    key: Annotated[
        str | None,
        Header(
            alias=HEADER,
            pattern=r"^[A-Za-z0-9_:.-]{1,200}$",
            description="Sent again within a day under the same key, the same request (byte for byte) happens once.",
        ),
    ] = None,
) -> Idempotency:
    """The request's idempotency key, and the fingerprint of the request.

    A route names its caller before this dependency, so that the caller is known here.
    """
    # The API key is included, since the secret of a repeated reply depends on it.
    words = (request.method, request.url.path, key_digest(request.state.api_key))
    whole = b"\0".join([*(word.encode() for word in words), await request.body()])
    return Idempotency(
        client_id=request.state.client_id,
        api_key=request.state.api_key,
        key=key,
        fingerprint=hashlib.sha256(whole).hexdigest(),
        now=service(request).clock(),
        response=response,
    )


Idempotent = Annotated[Idempotency, Depends(idempotency)]
