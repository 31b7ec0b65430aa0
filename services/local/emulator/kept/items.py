"""The items of tables that are kept."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict

from services.local.emulator.kept.ledger import Entry, Ledger, Place
from services.local.emulator.sorted_items import LISTENERS

KIND = "item"


class Items:
    """What has changed in tables since it was asked last. Tables are kept that have a sort key, as ours has.

    A table that is created gets the items that a table of its name had when the emulator ended.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._kept: dict[str, Any] = defaultdict(lambda: defaultdict(dict))
        for entry in ledger.read(KIND):
            hash_key, range_key = json.loads(entry.name)
            item = _item(hash_key, range_key, entry.about)
            self._kept[entry.holder][item.hash_key][item.range_key] = item
        self._changed: dict[str, set[tuple[Any, Any]]] = defaultdict(set)
        self._tables: dict[str, Any] = {}
        LISTENERS.append(self._note)
        self._follow_tables()

    def changes(self) -> Iterator[Entry]:
        """Every item that was written or deleted; called in the turn of all writes."""
        for name, keys in self._changed.items():
            items = self._tables[name].items
            for hash_key, range_key in keys:
                item = items.get(hash_key, {}).get(range_key)
                place = Place(KIND, name, json.dumps([_plain(hash_key), _plain(range_key)], ensure_ascii=False))
                about = None if item is None else {key: _plain(value) for key, value in item.attrs.items()}
                yield Entry(place=place, about=about)
        self._changed.clear()

    def _note(self, table: Any, hash_key: Any, range_key: Any) -> None:
        if table.has_range_key:
            self._tables[table.name] = table
            self._changed[table.name].add((hash_key, range_key))

    def _follow_tables(self) -> None:
        create, delete = DynamoDBBackend.create_table, DynamoDBBackend.delete_table

        def create_table(backend: Any, name: str, *given: Any, **more: Any) -> Any:
            table = create(backend, name, *given, **more)
            if table.has_range_key:
                table.items.update(self._kept.pop(name, {}))
            return table

        def delete_table(backend: Any, name: str) -> Any:
            table = delete(backend, name)
            keys = [(hash_key, range_key) for hash_key, items in table.items.items() for range_key in items]
            table.items.clear()
            for key in keys:
                self._note(table, *key)
            return table

        DynamoDBBackend.create_table, DynamoDBBackend.delete_table = create_table, delete_table


def _plain(value: Any) -> dict[str, Any]:
    """A value as JSON, as DynamoDB's own answers have it."""
    content = value.value
    if value.type == "M":
        content = {name: _plain(one) for name, one in content.items()}
    elif value.type == "L":
        content = [_plain(one) for one in content]
    elif value.type == "B" and isinstance(content, bytes):
        content = base64.b64encode(content).decode()
    elif value.is_set():
        content = list(content)
    return {value.type: content}


def _item(hash_key: Any, range_key: Any, about: Any) -> Any:
    item = Item(DynamoType(hash_key), DynamoType(range_key), {})
    item.attrs = LimitedSizeDict()
    for name, value in about.items():
        # Not by `item.attrs[name]`, which adds up the sizes of all attributes each time.
        dict.__setitem__(item.attrs, name, DynamoType(value))
    return item
