"""Turns records into items and back.

None is stored as an absent attribute; items of an unknown version are left alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, get_type_hints

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from services.common.domain.records import KNOWN_VERSIONS, SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")
Item = dict[str, Any]

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


class UnknownVersionError(Exception):
    """A newer release wrote the item: this one must neither read nor change it."""


def _plain(value: object) -> object:
    """A value as boto3 takes it: DynamoDB's numbers are decimals, and it has no tuples, enums or floats."""
    if isinstance(value, float):
        return Decimal(repr(round(value, 6)))
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _natural(value: Any) -> Any:  # noqa: ANN401 - whatever DynamoDB holds
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _natural(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_natural(inner) for inner in value]
    return value


def attribute(value: object) -> dict[str, Any]:
    """One value in DynamoDB's wire form, e.g. `{"N": "3"}`."""
    return cast("dict[str, Any]", _serializer.serialize(_plain(value)))


def encode(item: Mapping[str, Any]) -> dict[str, Any]:
    """A plain item in DynamoDB's wire form, without attributes that are None."""
    return {key: attribute(value) for key, value in item.items() if value is not None}


def decode(attributes: Mapping[str, Any]) -> Item:
    """The plain item of DynamoDB's wire form, with numbers as int or float."""
    return {key: _natural(_deserializer.deserialize(value)) for key, value in attributes.items()}


def to_item(record: DataclassInstance, **extra: object) -> Item:
    """A record as a plain item; `extra` holds its keys and index attributes."""
    own = {field.name: getattr(record, field.name) for field in fields(record)}
    return {key: value for key, value in (own | extra).items() if value is not None}


@cache
def _enums(kind: type) -> dict[str, type[StrEnum]]:
    hints = get_type_hints(kind)
    return {name: hint for name, hint in hints.items() if isinstance(hint, type) and issubclass(hint, StrEnum)}


def from_item(kind: type[Record], item: Mapping[str, Any]) -> Record:
    """The record in a plain item.

    Raises:
        UnknownVersionError: a newer release wrote it.

    """
    if item.get("schema_version", SCHEMA_VERSION) not in KNOWN_VERSIONS:
        raise UnknownVersionError(f"{item.get('pk')} {item.get('sk')}: version {item['schema_version']}")
    known = {field.name: item[field.name] for field in fields(kind) if field.name in item}
    for name, enum in _enums(kind).items():
        if name in known:
            known[name] = enum(known[name])
    return kind(**known)


def known(kind: type[Record], items: Iterable[Item]) -> Iterator[Record]:
    """The records in these items, without those of an unknown version."""
    for item in items:
        try:
            yield from_item(kind, item)
        except UnknownVersionError:
            continue


MOST_LOOKED_AT, LOOKED_AT_ONCE = 499, 100
"""How many items are looked at for one page of a list of which only some are wanted, and how many are read at a time.
One more may be read: the last of the page before."""


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Record]):
    """A page of a client's jobs or events."""

    records: Sequence[Record]
    last: str | None
    """The `sort` of the last item that was looked at, behind which the next page begins; None: there was none."""
    more: bool
    """Whether there may be items behind that one."""


def page_of(
    kind: type[Record], items: Callable[..., Iterable[Item]], *, size: int, wanted: Callable[[Record], bool] | None
) -> Page[Record]:
    """A page of a list.

    Args:
        kind: of the records.
        items: reads the list's items, given `limit` and `page` as for `Table.of_client`.
        size: how many records the page has, at most.
        wanted: which records are in the list; None: all. If only some are, the page may be short although more follow.

    """
    most, at_once = (MOST_LOOKED_AT, LOOKED_AT_ONCE) if wanted else (size, None)
    records: list[Record] = []
    last, seen = None, 0
    for item in items(limit=most, page=at_once):
        last, seen = item["sort"], seen + 1
        records += [record for record in known(kind, [item]) if wanted is None or wanted(record)]
        if len(records) == size or seen == most:
            return Page(records=records, last=last, more=True)
    return Page(records=records, last=last, more=False)
