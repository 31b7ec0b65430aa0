"""DynamoDB's look-ups in moto, in a time that does not grow with the table.

For each query moto goes through all items and sorts those that it finds; for each page of a scan it sorts all. Here the
table and its indexes are kept sorted, and moto's own code gets only the items that can matter to its answer: it still
compares, cuts pages, filters, projects and copies. For unusual look-ups it gets all items.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from services.local.emulator import relevant_items
from services.local.emulator.relevant_items import Page
from services.local.emulator.sorted_items import changed

_handed = threading.local()


def apply() -> None:
    """Patch moto in this process; once is enough, twice does no harm."""
    if getattr(Table, "_indexes_patched", False):
        return
    Table._indexes_patched = True
    _note_changes()
    _hand_over_what_matters()


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
        finally:  # an update that fails may have changed the item too
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
        page = Page(limit=limit, start=start, forward=forward)
        with _handing(relevant_items.queried(table, index_name, page, **more)):
            return query(table, *arguments, **more)

    def quick_scan(table: Any, filters: Any, limit: Any, exclusive_start_key: Any, *rest: Any, **more: Any) -> Any:
        with _handing(relevant_items.scanned(table, exclusive_start_key)):
            return scan(table, filters, limit, exclusive_start_key, *rest, **more)

    Table.all_items, Table.query, Table.scan = those_handed, quick_query, quick_scan


@contextmanager
def _handing(items: Sequence[Any] | None) -> Iterator[None]:
    """Within this context, these are the only items that moto sees; None: it sees all."""
    _handed.items = items
    try:
        yield
    finally:
        _handed.items = None
