"""Keeps the items of a table and of its indexes sorted, while moto sorts them anew for every look-up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from moto.dynamodb.models.dynamo_type import DynamoType

Values: TypeAlias = tuple[Any, ...]
"""The values of key attributes: strings and Decimals, which compare as DynamoDB's do."""
_SORTED_TYPES = {"S", "N"}


class SortedItems:
    """The items of a table or an index, in the order of the attributes by which they are sorted."""

    def __init__(self, shape: Mapping[str, str], table_key: tuple[str, str]) -> None:
        """`shape`: those attributes and their types. The table's key is among them, so no two items share a place."""
        self.shape = shape
        self.usable = True
        """False once an item has had keys that DynamoDB would have refused, and moto did not."""
        self._table_key = table_key
        self._places: list[Values] = []
        self._items: dict[Values, Any] = {}
        self._place_of: dict[Values, Values] = {}

    def set(self, key: Values, item: Any | None) -> None:
        """Note the item that has this key of the table now; None if there is none any more."""
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
        """The place of an item; None if it lacks a key attribute, and so is not in the index."""
        if item is None or not self.shape.keys() <= item.attrs.keys():
            return None
        place = self.place(item.attrs)
        self.usable &= place is not None and key == tuple(item.attrs[name].cast_value for name in self._table_key)
        return place

    def place(self, attributes: Mapping[str, Any]) -> Values | None:
        """The place of an item with these attributes, whether there is one or not; None if their types are wrong."""
        values = [DynamoType(attributes[name]) for name in self.shape]
        if [value.type for value in values] != list(self.shape.values()):
            return None
        return tuple(value.cast_value for value in values)

    def start(self, *values: Any) -> int:
        """The number of places before those that begin with these values."""
        return bisect_left(self._places, values)

    def end(self, *values: Any) -> int:
        """The number of places up to and including those that begin with these values."""
        return bisect_right(self._places, values, key=lambda place: place[: len(values)])

    def end_of_prefix(self, hash_value: Any, prefix: str) -> int:
        """The number of places up to and including those whose second value begins with the prefix."""
        return bisect_left(
            self._places,
            True,
            lo=self.start(hash_value, prefix),
            key=lambda place: place[0] != hash_value or not place[1].startswith(prefix),
        )

    def items(self, low: int = 0, high: int | None = None) -> list[Any]:
        """The items from place number `low` to before `high`."""
        return [self._items[place] for place in self._places[low:high]]


@dataclass
class _SortedOfTable:
    """The sorted items of one table that were used so far, and the keys of items that have changed since."""

    made: dict[tuple[str, ...], SortedItems] = field(default_factory=dict)
    changed: set[tuple[Any, Any]] = field(default_factory=set)

    def refresh(self, table: Any) -> None:
        while self.changed:
            hash_key, range_key = self.changed.pop()
            item = table.items.get(hash_key, {}).get(range_key)
            for order in self.made.values():
                order.set((hash_key.cast_value, range_key.cast_value), item)


_SORTED: WeakKeyDictionary[Any, _SortedOfTable] = WeakKeyDictionary()
"""They are kept beside the tables, not in them, so that a copy of a table gets its own."""


def sorted_items(table: Any, index: Any | None = None) -> SortedItems | None:
    """The sorted items of a table or of its index, up to date; None where moto's own search could find others."""
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


LISTENERS: list[Callable[[Any, Any, Any], None]] = []
"""What else is told of every change, with table, hash key and range key."""


def changed(table: Any, hash_key: Any, range_key: Any) -> None:
    """Note that the item with this key may have changed; every write to a table calls it."""
    for listener in LISTENERS:
        listener(table, hash_key, range_key)
    if (orders := _SORTED.get(table)) is not None:
        orders.changed.add((hash_key, range_key))
