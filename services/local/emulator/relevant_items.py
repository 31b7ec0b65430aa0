"""Which items can matter to moto's answer: a few for a usual look-up, all (None) for any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.dynamodb.models.table import RESULT_SIZE_LIMIT

from services.local.emulator.sorted_items import SortedItems, sorted_items

_LARGE_PAGE = RESULT_SIZE_LIMIT // 2
"""Bytes; with one more item, a page of more than this may be full."""
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
"""By the condition on the range key: the place numbers at which the items that meet it begin and end, for `one` value
of the hash key."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """The requested page of a query's answer: at most `limit` items behind the key `start`."""

    limit: int | None
    start: Mapping[str, Any] | None
    forward: bool


def queried(
    table: Any,
    index_name: str | None,
    page: Page,
    *,
    hash_key_conditions: Sequence[tuple[str, Any]] = (),
    range_key_conditions: Sequence[tuple[str, str, Sequence[Any]]] = (),
    **filters: Any,
) -> Sequence[Any] | None:
    """The items that matter to the answer, None for all: those that meet the condition on the keys, up to the end of
    the page, and the next one, by which moto knows that there is another page, even where it meets no condition.
    """
    index = next((index for index in table.all_indexes() if index.name == index_name), None)
    order = sorted_items(table, index) if bool(index) == bool(index_name) else None
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


def _cut(order: SortedItems, page: Page, bounds: tuple[int, int, int, int]) -> Sequence[Any]:
    """The items of one page, and the next one.

    `bounds`: the place numbers at which the items behind `page.start` begin, those that meet the condition begin and
    end, and those with the same hash key end.
    """
    first, low, high, last = bounds
    wanted = high - low if page.limit is None else min(page.limit, high - low)
    full = wanted == page.limit
    low, high = (low, low + wanted) if page.forward else (high - wanted, high)
    seen = (low, min(high + 1, last)) if page.forward else (max(low - 1, first), high)
    items = order.items(*seen)
    if not full and sum(item.size() for item in items) > _LARGE_PAGE:
        # The page ends at the first item that does not fit, even at one that meets no condition.
        return order.items(first, last)
    return items


def scanned(table: Any, start: Mapping[str, Any] | None) -> Sequence[Any] | None:
    """The items behind the key `start`; None for all."""
    order = sorted_items(table)
    if order is None:
        return None
    if start is None:
        return order.items()
    place = order.place(start) if order.shape.keys() == start.keys() else None
    return None if place is None else order.items(order.end(*place))
