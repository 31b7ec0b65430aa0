"""Operations: a write of one item, with the condition (`when`) that the item must meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, ConditionBase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.common.store.codec import Item
    from services.common.store.keys import Key


class ConditionFailedError(Exception):
    """An item is not as required; `items` has what was found instead, per operation (None: absent, or as required)."""

    def __init__(self, items: Sequence[Item | None]) -> None:
        super().__init__("the item has changed meanwhile")
        self.items = items


@dataclass(frozen=True, kw_only=True)
class Put:
    """Write a whole item."""

    item: Mapping[str, Any]
    when: ConditionBase | None = None

    @property
    def key(self) -> Key:
        return self.item["pk"], self.item["sk"]


@dataclass(frozen=True, kw_only=True)
class Update:
    """Change some attributes of an item.

    An attribute that `set` makes None is removed. `add` counts numbers up. A dotted name is an entry of a map.
    """

    key: Key
    when: ConditionBase
    set: Mapping[str, Any] = field(default_factory=dict)
    add: Mapping[str, int | float] = field(default_factory=dict)
    remove: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Delete:
    """Remove an item."""

    key: Key
    when: ConditionBase | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """Check a condition on an item that the transaction does not change."""

    key: Key
    when: ConditionBase


Operation = Put | Update | Delete | Check
ABSENT = Attr("pk").not_exists()
PRESENT = Attr("pk").exists()
