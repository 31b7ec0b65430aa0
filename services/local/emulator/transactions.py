"""DynamoDB's transactions in moto, in a time that does not grow with the table.

For each operation of a transaction moto copies the whole table, to be able to roll back: with a thousand jobs a
transaction takes a second. Here only the items that the transaction names are copied.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from services.local.emulator.sorted_items import changed

_under_way = threading.local()
TURN = threading.RLock()
"""Held during a request to DynamoDB: moto's server has many threads, conditions are checked and written without a lock,
and nobody may see a half-done transaction. Where an account is kept (`kept/`), other writes have their turn too."""


def apply() -> None:
    """Patch moto in this process; once is enough, twice does no harm."""
    if getattr(DynamoDBBackend, "_transactions_patched", False):
        return
    DynamoDBBackend._transactions_patched = True
    original = DynamoDBBackend.transact_write_items

    def transact_write_items(backend: Any, transact_items: list[dict[str, Any]]) -> None:
        with TURN:
            before = [
                _Kept(table, hash_key, range_key) for table, hash_key, range_key in _named(backend, transact_items)
            ]
            _under_way.now = True
            try:
                original(backend, transact_items)
            except Exception:
                for kept in before:
                    kept.put_back()
                raise
            finally:
                _under_way.now = False

    def deepcopy(table: Any, memo: dict[int, Any]) -> Any:
        if getattr(_under_way, "now", False):
            return table
        fresh = copy.copy(table)
        fresh.__dict__ = copy.deepcopy(table.__dict__, memo)
        return fresh

    DynamoDBBackend.transact_write_items = transact_write_items
    Table.__deepcopy__ = deepcopy


def _named(backend: Any, transact_items: Iterable[Mapping[str, Any]]) -> Iterable[tuple[Any, Any, Any]]:
    """The table, hash key and range key of each operation whose table exists."""
    for entry in transact_items:
        ((_, operation),) = list(entry.items())[:1]
        table = backend.tables.get(operation.get("TableName"))
        key = operation.get("Key") or operation.get("Item") or {}
        if table is not None and {table.hash_key_attr, table.range_key_attr} <= set(key):
            yield table, DynamoType(key[table.hash_key_attr]), DynamoType(key[table.range_key_attr])


class _Kept:
    """A copy of an item as it was before a transaction."""

    def __init__(self, table: Any, hash_key: Any, range_key: Any) -> None:
        self._table, self._hash, self._range = table, hash_key, range_key
        self._item = copy.deepcopy(table.items.get(hash_key, {}).get(range_key))

    def put_back(self) -> None:
        if self._item is not None:
            self._table.items[self._hash][self._range] = self._item
        else:
            self._table.items.get(self._hash, {}).pop(self._range, None)
        changed(self._table, self._hash, self._range)
