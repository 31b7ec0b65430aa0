"""Clients and their API keys. Keys are stored as hashes; one write authenticates a call and counts it for the limit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.ids import key_digest
from services.common.domain.object_keys import DEFAULT_CLIENT
from services.common.domain.records import SCHEMA_VERSION
from services.common.domain.times import MINUTE_MS
from services.common.store import keys
from services.common.store.operations import ABSENT, PRESENT, ConditionFailedError, Operation, Put, Update

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boto3.dynamodb.conditions import ConditionBase

    from services.common.store.codec import Item
    from services.common.store.table import Table

DEFAULT_LIMIT = 600
"""Requests that a key may make in a minute."""
_PAST_MINUTES = 10
_KEPT_WINDOWS = 50
"""Counts of minutes that a key's item may hold; beyond that, a further write drops all but the present one. Counts
are left over when a key was not used for some time."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The client that calls, and how many requests its key has made in this minute, this one included."""

    client_id: str
    name: str
    used: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """What is stored about a key; the key itself is not. Times are epoch milliseconds."""

    digest: str
    name: str
    created_at: int
    limit: int
    revoked_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class ListedClient:
    """A client in the list of all."""

    client_id: str
    has_defaults: bool
    """Whether its plain uploads get options that it has set."""


class Counted(StrEnum):
    """What is counted of a client, so that it has no more than it may: an attribute of the client's item."""

    CALLBACKS = "callbacks"
    """They are limited so that all deliveries of one event fit into one transaction."""
    VOCABULARIES = "vocabularies"


def count(client_id: str, what: Counted, change: int, at_most: int | None = None) -> Operation:
    """The operation that counts something of a client; with `at_most`, its condition is that there are fewer."""
    room = Attr(what).not_exists() | Attr(what).lt(at_most) if at_most else PRESENT
    return Update(
        key=keys.client(client_id),
        when=room,
        set={"schema_version": SCHEMA_VERSION},
        add={what: change},
    )


class Clients:
    """The items of clients and API keys in one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def register(self, client_id: str) -> None:
        """Make the client known, so that plain uploads under its prefix are its own. This is idempotent."""
        # The second item lists the client among all clients, so that nothing has to scan the table.
        for key in (keys.client(client_id), keys.listed_client(client_id)):
            self._table.attempt(Put(item={"pk": key[0], "sk": key[1]}, when=ABSENT))

    def all(self) -> list[ListedClient]:
        """Every client that was made known, by name."""
        return [
            ListedClient(client_id=item["sk"], has_defaults=item.get("has_defaults", False))
            for item in self._table.items(keys.ALL_CLIENTS)
        ]

    def names(self) -> list[str]:
        """Whose jobs there may be: every client that was made known, and the one of all other uploads."""
        return sorted({one.client_id for one in self.all()} | {DEFAULT_CLIENT})

    def known(self, client_id: str) -> bool:
        return self._table.get(keys.client(client_id)) is not None

    def defaults(self, client_id: str) -> Mapping[str, Any] | None:
        """The options that the client's plain uploads get, empty if there are none; None: the client is not known."""
        item = self._table.get(keys.client(client_id))
        return None if item is None else item.get("defaults", {})

    def set_defaults(self, client_id: str, options: Mapping[str, Any]) -> bool:
        """Give the client's plain uploads these options from now on, and none if empty; False: it is not known."""
        own = {"defaults": options or None}
        # The list says it too, so that whoever reads it need not read every client.
        listed = {"has_defaults": True if options else None}
        return self._table.attempt_all(
            [
                Update(key=keys.client(client_id), when=PRESENT, set=own),
                Update(key=keys.listed_client(client_id), when=PRESENT, set=listed),
            ]
        )

    def add_key(self, api_key: str, *, client_id: str, name: str, now: int, limit: int = DEFAULT_LIMIT) -> str:
        """Store an API key as its hash.

        Args:
            api_key: the key itself, which is not stored.
            client_id: of the client to which the key belongs.
            name: for people.
            now: epoch milliseconds.
            limit: requests a minute.

        Returns:
            The hash, by which the key can be revoked.

        """
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
                # A second item, by which the client's keys are listed.
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
        """Revoke a key; False if the client has no such key."""
        both = (keys.api_key(digest), keys.listed_api_key(client_id, digest))
        mine = PRESENT & Attr("owner_id").eq(client_id)
        return self._table.attempt_all([Update(key=key, when=mine, set={"revoked_at": now}) for key in both])

    def authenticate(self, api_key: str, now: int) -> Caller | None:
        """Find the client of an API key and count the call; None if the key is unknown or revoked."""
        valid = PRESENT & Attr("revoked_at").not_exists()
        item = count_request(self._table, keys.api_key(key_digest(api_key)), valid, now)
        if item is None:
            return None
        return Caller(
            client_id=item["owner_id"], name=item["name"], used=requests_in(item, now), limit=item["minute_limit"]
        )


def count_request(table: Table, key: keys.Key, when: ConditionBase, now: int) -> Item | None:
    """Count a request on the item that allows it, in one write; returns the item, or None if it is not as required.

    Args:
        table: that holds the item, whose `minutes` are the counts.
        key: of the item.
        when: the condition under which it allows requests.
        now: epoch milliseconds.

    """
    minute = now // MINUTE_MS
    # The same write removes older counts, so that an item in steady use costs one write a request.
    past = [f"minutes.{earlier}" for earlier in range(minute - _PAST_MINUTES, minute)]
    try:
        item = table.write(Update(key=key, when=when, add={f"minutes.{minute}": 1}, remove=past))
        if len(item["minutes"]) > _KEPT_WINDOWS:
            kept = {str(minute): item["minutes"][str(minute)]}
            table.write(Update(key=key, when=PRESENT, set={"minutes": kept}))
    except ConditionFailedError:
        return None
    return item


def requests_in(item: Item, now: int) -> int:
    """How many requests were counted on an item in the minute of that time (epoch milliseconds)."""
    used: int = item["minutes"].get(str(now // MINUTE_MS), 0)
    return used
