"""Stand-in until the real one is merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Observation:
    """What was heard of one voice in one window."""

    tracks: tuple[Any, ...] = ()

    def to_json(self) -> Any:
        return list(self.tracks)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Observation:
        return cls(tuple(data))
