"""The change of a record, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from services.common.domain.records import Job, Part
from services.common.domain.states import Transition

if TYPE_CHECKING:
    from services.common.domain.machines import Slot

Record = TypeVar("Record", Job, Part, "Slot")


@dataclass(frozen=True, kw_only=True)
class UnreadChange:
    """A change by a writer that knows the record's key and has not read the record."""

    transition: Transition
    set: Mapping[str, Any]
    """As in `Change`."""


@dataclass(frozen=True, kw_only=True)
class Change(Generic[Record]):
    """One change of one record: the record before, the transition, and the fields that change."""

    before: Record
    transition: Transition
    set: Mapping[str, Any] = field(default_factory=dict)
    """New values of fields; `times.queued` is one entry of a map. The status is the transition's."""
    add: Mapping[str, int] = field(default_factory=dict)
    """Counters that are raised by so much, from whatever value the table holds."""

    @property
    def after(self) -> Record:
        """The record after the change."""
        fields: dict[str, Any] = {"status": self.transition.target} if self.transition.target else {}
        for path, value in self.set.items():
            name, _, entry = path.partition(".")
            fields[name] = {**fields.get(name, getattr(self.before, name)), entry: value} if entry else value
        return replace(self.before, **fields, **{name: getattr(self.before, name) + n for name, n in self.add.items()})
