"""DynamoDB's look-ups in moto, at a price that does not grow with the table.

For each query moto goes through all items and sorts what it finds; for each page of a scan it sorts them all. Here the
table and its indexes are kept in order, and moto's own code is handed only the items that can matter to its answer: it
still compares, cuts pages, filters, projects and copies. What is out of the ordinary goes moto's way.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT, Table

Values: TypeAlias = tuple[Any, ...]
"""Of key attributes: strings and Decimals, which compare as DynamoDB's do."""
_SORTED_TYPES = {"S", "N"}
_LARGE_PAGE = RESULT_SIZE_LIMIT // 2
"""Bytes: an item more, and the page may be full."""
_handed = threading.local()


def apply() -> None:
    """Patch moto in this process; once is enough, twice does no harm."""
    if getattr(Table, "_indexes_patched", False):
        return
    Table._indexes_patched = True
    _note_changes()
    _hand_over_what_matters()


def changed(table: Any, hash_key: Any, range_key: Any) -> None:
    """An item may be another than before: whoever writes to a table says so."""
    if (orders := _ORDERS.get(table)) is not None:
        orders.changed.add((hash_key, range_key))


def _note_changes() -> None:
    put, delete, update = Table.put_item, Table.delete_item, DynamoDBBackend.update_item

    def put_item(table: Any, item_attrs: Mapping[str, Any], *rest: Any, **more: Any) -> Any:
        item = put(table, item_attrs, *rest, **more)
        changed(table, item.hash_key, item.range_key)
        return item

    def delete_item(table: Any, hash_key: Any, range_key: Any) -> Any:
        item = delete(table, hash_key, range_key)
        changed(table, hash_key, range_key)
        return item

    def update_item(backend: Any, table_name: str, key: Mapping[str, Any], *rest: Any, **more: Any) -> Any:
        table = backend.get_table(table_name)
        try:
            return update(backend, table_name, key, *rest, **more)
        finally:  # what fails half way has changed the item too
            if {table.hash_key_attr, table.range_key_attr} <= set(key):
                changed(table, DynamoType(key[table.hash_key_attr]), DynamoType(key[table.range_key_attr]))

    Table.put_item, Table.delete_item, DynamoDBBackend.update_item = put_item, delete_item, update_item


def _hand_over_what_matters() -> None:
    all_items, query, scan = Table.all_items, Table.query, Table.scan

    def those_handed(table: Any) -> Any:
        items = getattr(_handed, "items", None)
        return all_items(table) if items is None else items

    def quick_query(table: Any, *arguments: Any, **more: Any) -> Any:
        limit, start, forward, _, index_name = arguments[3:8]
        with _handing(_queried(table, index_name, _Page(limit=limit, start=start, forward=forward), **more)):
            return query(table, *arguments, **more)

    def quick_scan(table: Any, filters: Any, limit: Any, exclusive_start_key: Any, *rest: Any, **more: Any) -> Any:
        with _handing(_scanned(table, exclusive_start_key)):
            return scan(table, filters, limit, exclusive_start_key, *rest, **more)

    Table.all_items, Table.query, Table.scan = those_handed, quick_query, quick_scan


@contextmanager
def _handing(items: Sequence[Any] | None) -> Iterator[None]:
    """Within this, these are all the items that moto sees; None: it sees all there are."""
    _handed.items = items
    try:
        yield
    finally:
        _handed.items = None


class _Order:
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
class _Orders:
    """Of one table: those that were asked for so far, and the keys of what has changed since."""

    made: dict[tuple[str, ...], _Order] = field(default_factory=dict)
    changed: set[tuple[Any, Any]] = field(default_factory=set)

    def refresh(self, table: Any) -> None:
        while self.changed:
            hash_key, range_key = self.changed.pop()
            item = table.items.get(hash_key, {}).get(range_key)
            for order in self.made.values():
                order.set((hash_key.cast_value, range_key.cast_value), item)


_ORDERS: WeakKeyDictionary[Any, _Orders] = WeakKeyDictionary()
"""Beside the tables, not in them: a copy of a table makes its own."""


def _order(table: Any, index: Any | None = None) -> _Order | None:
    """The table's or its index's, up to date; None where it does not say what moto's own search would."""
    schema = table.schema if index is None else index.schema
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table.attr}
    names = tuple(dict.fromkeys([*(key["AttributeName"] for key in schema), *table.table_key_attrs]))
    if [key["KeyType"] for key in schema] != ["HASH", "RANGE"] or not table.has_range_key:
        return None
    shape = {name: types.get(name, "") for name in names}
    if not set(shape.values()) <= _SORTED_TYPES:
        return None
    orders = _ORDERS.setdefault(table, _Orders())
    orders.refresh(table)
    order = orders.made.get(names)
    if order is None or order.shape != shape:
        order = orders.made[names] = _Order(shape, (table.hash_key_attr, table.range_key_attr))
        for hash_key, partition in table.items.items():
            for range_key, item in partition.items():
                order.set((hash_key.cast_value, range_key.cast_value), item)
    return order if order.usable else None


_RANGES: Mapping[str, Callable[..., tuple[int, int]]] = {
    "": lambda order, one: (order.start(one), order.end(one)),
    "=": lambda order, one, value: (order.start(one, value), order.end(one, value)),
    "<": lambda order, one, value: (order.start(one), order.start(one, value)),
    "<=": lambda order, one, value: (order.start(one), order.end(one, value)),
    ">": lambda order, one, value: (order.end(one, value), order.end(one)),
    ">=": lambda order, one, value: (order.start(one, value), order.end(one)),
    "BETWEEN": lambda order, one, low, high: (order.start(one, low), order.end(one, high)),
    "BEGINS_WITH": lambda order, one, prefix: (order.start(one, prefix), order.end_of_prefix(one, prefix)),
}
"""By the condition on the second key: where what meets it begins and ends, for `one` value of the first."""


@dataclass(frozen=True, kw_only=True)
class _Page:
    """Which part of a query's answer is wanted: at most `limit` items behind the key `start`."""

    limit: int | None
    start: Mapping[str, Any] | None
    forward: bool


def _queried(
    table: Any,
    index_name: str | None,
    page: _Page,
    *,
    hash_key_conditions: Sequence[tuple[str, Any]] = (),
    range_key_conditions: Sequence[tuple[str, str, Sequence[Any]]] = (),
    **filters: Any,
) -> Sequence[Any] | None:
    """The items that matter to the answer, None for all: those that meet the condition on the keys, up to the end of
    the page, and the next one, by which moto knows that there is another page, even where it meets no condition.
    """
    index = next((index for index in table.all_indexes() if index.name == index_name), None)
    order = _order(table, index) if bool(index) == bool(index_name) else None
    if order is None or filters:
        return None
    ((_, one),) = hash_key_conditions
    comparison, values = range_key_conditions[0][1:] if range_key_conditions else ("", ())
    first_type, second_type, *_ = order.shape.values()
    if one.type != first_type or any(value.type != second_type for value in values):
        return None
    if comparison not in _RANGES or (comparison == "BEGINS_WITH" and second_type != "S"):
        return None
    one_value = one.cast_value
    low, high = _RANGES[comparison](order, one_value, *(value.cast_value for value in values))
    first, last = order.start(one_value), order.end(one_value)
    if page.start is not None:
        place = order.place(page.start) if page.start.keys() == order.shape.keys() else None
        if place is None or place[0] != one_value:
            return None
        first, last = (order.end(*place), last) if page.forward else (first, order.start(*place))
    low = min(max(low, first), last)
    high = max(low, min(high, last))
    return _cut(order, page, (first, low, high, last))


def _cut(order: _Order, page: _Page, bounds: tuple[int, int, int, int]) -> Sequence[Any]:
    """`bounds`: what is behind `page.start` begins, what meets the condition begins and ends, and all ends."""
    first, low, high, last = bounds
    wanted = high - low if page.limit is None else min(page.limit, high - low)
    full = wanted == page.limit
    low, high = (low, low + wanted) if page.forward else (high - wanted, high)
    seen = (low, min(high + 1, last)) if page.forward else (max(low - 1, first), high)
    items = order.items(*seen)
    if not full and sum(item.size() for item in items) > _LARGE_PAGE:
        # Whichever item behind them does not fit ends the page, also one that meets no condition.
        return order.items(first, last)
    return items


def _scanned(table: Any, start: Mapping[str, Any] | None) -> Sequence[Any] | None:
    """The items behind the key `start`; None for all."""
    order = _order(table)
    if order is None:
        return None
    if start is None:
        return order.items()
    place = order.place(start) if order.shape.keys() == start.keys() else None
    return None if place is None else order.items(order.end(*place))
