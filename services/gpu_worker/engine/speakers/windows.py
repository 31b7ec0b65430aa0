"""What was observed in the windows of a recording. Pure, with JSON for checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.gpu_worker.engine.speakers.observations import Observation

VERSION = 1


@dataclass(frozen=True, slots=True)
class ObservedWindow:
    """A window of the recording, as it was observed in each of its voices."""

    index: int
    voices: tuple[Observation, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` takes back."""
        return {"version": VERSION, "index": self.index, "voices": [voice.to_json() for voice in self.voices]}

    @staticmethod
    def is_readable(data: Mapping[str, Any]) -> bool:
        """Whether `from_json` takes this; another release may have observed otherwise."""
        return bool(data["version"] == VERSION)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ObservedWindow:
        """The window that `to_json` gave.

        Raises:
            ValueError: it is of another version.

        """
        if not cls.is_readable(data):
            raise ValueError(f"observed window version {data['version']} is not {VERSION}")
        return cls(data["index"], tuple(map(Observation.from_json, data["voices"])))
