"""Clients and their API keys. Keys are stored hashed; authentication and the rate limit are one update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.ids import key_digest
from services.common.domain.records import SCHEMA_VERSION
from services.common.domain.times import MINUTE_MS
from services.common.store import keys
from services.common.store.operations import ABSENT, PRESENT, Operation, Put, Update
from services.common.store.table import ConditionFailedError

if TYPE_CHECKING:
    from services.common.store.table import Table

DEFAULT_LIMIT = 600
"""Requests a minute and key."""
_PAST_MINUTES = 10
_KEPT_WINDOWS = 50
"""Minutes whose counts an item may hold, left over from before pauses, until they are dropped by a write of its own."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls, and how much of the minute's allowance is used."""

    client_id: str
    name: str
    used: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """What is known of a key: never the key itself."""

    digest: str
    name: str
    created_at: int
    limit: int
    revoked_at: int | None = None


def callback_count(client_id: str, change: int, at_most: int | None = None) -> Operation:
    """Callbacks are counted where they are registered, so that one event's deliveries fit a transaction."""
    room = Attr("callbacks").not_exists() | Attr("callbacks").lt(at_most) if at_most else PRESENT
    return Update(
        key=keys.client(client_id),
        when=room,
        set={"schema_version": SCHEMA_VERSION},
        add={"callbacks": change},
    )


class Clients:
    """The key items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def register(self, client_id: str) -> None:
        """Make the client known, so that plain uploads under its prefix are its own; twice is no harm."""
        # The second item is the list of all clients: nothing here scans the table.
        for key in (keys.client(client_id), keys.listed_client(client_id)):
            self._table.attempt(Put(item={"pk": key[0], "sk": key[1]}, when=ABSENT))

    def all(self) -> list[str]:
        """Every client that was made known, sorted."""
        return [item["sk"] for item in self._table.items(keys.ALL_CLIENTS)]

    def known(self, client_id: str) -> bool:
        return self._table.get(keys.client(client_id)) is not None

    def add_key(self, api_key: str, *, client_id: str, name: str, now: int, limit: int = DEFAULT_LIMIT) -> str:
        """Store a key's hash; returns the hash, by which it is revoked."""
        digest = key_digest(api_key)
        own, listed = keys.api_key(digest), keys.listed_api_key(client_id, digest)
        known = {
            "owner_id": client_id,
            "name": name,
            "created_at": now,
            "minute_limit": limit,
        }
        self._table.transact(
            [
                Put(item={"pk": own[0], "sk": own[1], "minutes": {}, **known}, when=ABSENT),
                # The same again where the client's keys can be listed.
                Put(item={"pk": listed[0], "sk": listed[1], **known}, when=ABSENT),
            ]
        )
        return digest

    def keys_of(self, client_id: str) -> list[ApiKey]:
        """All keys that were made for a client, revoked ones too."""
        return [
            ApiKey(
                digest=item["sk"].removeprefix(keys.API_KEYS),
                name=item["name"],
                created_at=item["created_at"],
                limit=item["minute_limit"],
                revoked_at=item.get("revoked_at"),
            )
            for item in self._table.items(keys.of_client(client_id), keys.API_KEYS)
        ]

    def revoke(self, client_id: str, digest: str, now: int) -> bool:
        """The key opens nothing from now on; False if the client has no such key."""
        both = (keys.api_key(digest), keys.listed_api_key(client_id, digest))
        mine = PRESENT & Attr("owner_id").eq(client_id)
        return self._table.attempt_all([Update(key=key, when=mine, set={"revoked_at": now}) for key in both])

    def authenticate(self, api_key: str, now: int) -> Caller | None:
        """Whose key this is, counting the call; None if nobody's."""
        key = keys.api_key(key_digest(api_key))
        minute = str(now // MINUTE_MS)
        try:
            item = self._table.write(
                Update(
                    key=key,
                    when=PRESENT & Attr("revoked_at").not_exists(),
                    add={f"minutes.{minute}": 1},
                    # In steady use the minutes just past go in the same write, so that one call is all it takes.
                    remove=[f"minutes.{past}" for past in range(int(minute) - _PAST_MINUTES, int(minute))],
                )
            )
        except ConditionFailedError:
            return None
        if len(item["minutes"]) > _KEPT_WINDOWS:
            self._forget(key, item, minute)
        return Caller(
            client_id=item["owner_id"],
            name=item["name"],
            used=item["minutes"][minute],
            limit=item["minute_limit"],
        )

    def _forget(self, key: keys.Key, item: dict[str, Any], minute: str) -> None:
        self._table.write(Update(key=key, when=PRESENT, set={"minutes": {minute: item["minutes"][minute]}}))
