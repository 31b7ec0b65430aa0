"""A table's items, and its indexes', in order: what moto sorts anew for every look-up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from moto.dynamodb.models.dynamo_type import DynamoType

Values: TypeAlias = tuple[Any, ...]
"""Of key attributes: strings and Decimals, which compare as DynamoDB's do."""
_SORTED_TYPES = {"S", "N"}


class SortedItems:
    """A table's items, or an index's, in order of the attributes they are sorted by."""

    def __init__(self, shape: Mapping[str, str], table_key: tuple[str, str]) -> None:
        """`shape`: those attributes and their types. The table's key is among them: no two items share a place."""
        self.shape = shape
        self.usable = True
        """False once there was an item whose keys DynamoDB would have refused, and moto did not."""
        self._table_key = table_key
        self._places: list[Values] = []
        self._items: dict[Values, Any] = {}
        self._place_of: dict[Values, Values] = {}

    def set(self, key: Values, item: Any | None) -> None:
        """What is at the table's `key` now; None: nothing."""
        before, now = self._place_of.pop(key, None), self._place(key, item)
        if before is not None:
            del self._items[before]
            if before != now:
                del self._places[bisect_left(self._places, before)]
        if now is not None:
            self._items[now] = item
            self._place_of[key] = now
            if before != now:
                insort(self._places, now)

    def _place(self, key: Values, item: Any | None) -> Values | None:
        """None: an item that lacks a key has no place here."""
        if item is None or not self.shape.keys() <= item.attrs.keys():
            return None
        place = self.place(item.attrs)
        self.usable &= place is not None and key == tuple(item.attrs[name].cast_value for name in self._table_key)
        return place

    def place(self, attributes: Mapping[str, Any]) -> Values | None:
        """Where an item with these attributes stands or would stand; None if they are of other types."""
        values = [DynamoType(attributes[name]) for name in self.shape]
        if [value.type for value in values] != list(self.shape.values()):
            return None
        return tuple(value.cast_value for value in values)

    def start(self, *values: Any) -> int:
        """How many places come before those that begin with these values."""
        return bisect_left(self._places, values)

    def end(self, *values: Any) -> int:
        """How many places come before those behind the ones that begin with these values."""
        return bisect_right(self._places, values, key=lambda place: place[: len(values)])

    def end_of_prefix(self, hash_value: Any, prefix: str) -> int:
        """The same, for those whose second value begins with the prefix."""
        return bisect_left(
            self._places,
            True,
            lo=self.start(hash_value, prefix),
            key=lambda place: place[0] != hash_value or not place[1].startswith(prefix),
        )

    def items(self, low: int = 0, high: int | None = None) -> list[Any]:
        """Those from place number `low` to before `high`."""
        return [self._items[place] for place in self._places[low:high]]


@dataclass
class _SortedOfTable:
    """Of one table: those that were asked for so far, and the keys of what has changed since."""

    made: dict[tuple[str, ...], SortedItems] = field(default_factory=dict)
    changed: set[tuple[Any, Any]] = field(default_factory=set)

    def refresh(self, table: Any) -> None:
        while self.changed:
            hash_key, range_key = self.changed.pop()
            item = table.items.get(hash_key, {}).get(range_key)
            for order in self.made.values():
                order.set((hash_key.cast_value, range_key.cast_value), item)


_SORTED: WeakKeyDictionary[Any, _SortedOfTable] = WeakKeyDictionary()
"""Beside the tables, not in them: a copy of a table makes its own."""


def sorted_items(table: Any, index: Any | None = None) -> SortedItems | None:
    """The table's or its index's, up to date; None where it does not say what moto's own search would."""
    schema = table.schema if index is None else index.schema
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table.attr}
    names = tuple(dict.fromkeys([*(key["AttributeName"] for key in schema), *table.table_key_attrs]))
    if [key["KeyType"] for key in schema] != ["HASH", "RANGE"] or not table.has_range_key:
        return None
    shape = {name: types.get(name, "") for name in names}
    if not set(shape.values()) <= _SORTED_TYPES:
        return None
    orders = _SORTED.setdefault(table, _SortedOfTable())
    orders.refresh(table)
    order = orders.made.get(names)
    if order is None or order.shape != shape:
        order = orders.made[names] = SortedItems(shape, (table.hash_key_attr, table.range_key_attr))
        for hash_key, partition in table.items.items():
            for range_key, item in partition.items():
                order.set((hash_key.cast_value, range_key.cast_value), item)
    return order if order.usable else None


def changed(table: Any, hash_key: Any, range_key: Any) -> None:
    """An item may be another than before: whoever writes to a table says so."""
    if (orders := _SORTED.get(table)) is not None:
        orders.changed.add((hash_key, range_key))
