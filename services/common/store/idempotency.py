"""Commits that happen once: the record of a client's idempotency key is part of the transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.times import DAY_MS, SECOND_MS
from services.common.store import keys
from services.common.store.operations import ABSENT, ConditionFailedError, Operation, Put

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from services.common.store.keys import Key
    from services.common.store.table import Table

KEPT_MS = DAY_MS


@dataclass(frozen=True, kw_only=True)
class IdempotencyRecord:
    """What is stored of a request that came with an idempotency key, and what makes the request happen once."""

    client_id: str
    key: str
    fingerprint: str
    """A hash of the request: the same key must not be used for another request."""
    at: int
    reference: Mapping[str, Any] = field(default_factory=dict)
    """What the reply can be made of a second time: ids, never a secret."""
    on_replay: Callable[[], None] = field(default=lambda: None, compare=False, repr=False)
    """Called once it is known that this very request was committed before."""

    @property
    def item_key(self) -> Key:
        """The record's key in the table."""
        return keys.idempotency(self.client_id, self.key)

    def operation(self) -> Operation:
        """The operation that stores the record. Its condition is that there is none yet, or only an expired one.

        DynamoDB deletes expired items some time later, so an expired record may still be there.
        """
        pk, sk = self.item_key
        item = {
            "pk": pk,
            "sk": sk,
            "fingerprint": self.fingerprint,
            "reference": dict(self.reference),
            "expires_at": (self.at + KEPT_MS) // SECOND_MS,
        }
        return Put(item=item, when=ABSENT | Attr("expires_at").lte(self.at // SECOND_MS))


class KeyReusedError(Exception):
    """The idempotency key was used for another request."""


class Commits:
    """Commits the changes that a request makes."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def commit(
        self, operations: Sequence[Operation], record: IdempotencyRecord | None = None
    ) -> Mapping[str, Any] | None:
        """Write all operations in one transaction, or none if this very request was committed before.

        Args:
            operations: the changes.
            record: of the request's idempotency key, if it has one.

        Returns:
            None if the operations were written now; the earlier record's reference if the request was committed before.

        Raises:
            KeyReusedError: the key was used for another request.
            ConditionFailedError: an item is not as required; the error's `items` are those of `operations`.

        """
        if record is None:
            self._table.transact(operations)
            return None
        try:
            self._table.transact([record.operation(), *operations])
        except ConditionFailedError as error:
            if error.items[0] is None:
                raise ConditionFailedError(error.items[1:]) from None
            return _reference(error.items[0], record)
        return None

    def earlier(self, record: IdempotencyRecord | None) -> Mapping[str, Any] | None:
        """The reference of this very request if it was committed before, else None.

        Raises:
            KeyReusedError: the key was used for another request.

        """
        item = self._table.get(record.item_key) if record else None
        if record is None or item is None or item["expires_at"] <= record.at // SECOND_MS:
            return None
        return _reference(item, record)


def _reference(item: Mapping[str, Any], record: IdempotencyRecord) -> Mapping[str, Any]:
    if item["fingerprint"] != record.fingerprint:
        raise KeyReusedError
    record.on_replay()
    return dict(item["reference"])
