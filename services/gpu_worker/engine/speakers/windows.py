"""The windows in which a recording is searched for speakers: where they lie, and what was observed in them. Pure.

They lie on a grid that begins at the first sample of the recording, whatever its parts are. So what is observed does
not depend on how a recording was split.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.gpu_worker.engine.speakers.observations import Observation

WINDOW = 160_000
"""Samples of a window: 10 s at 16 kHz."""
STEP = 80_000
"""Samples from the beginning of one window to that of the next."""
VERSION = 1


@dataclass(frozen=True, slots=True)
class ObservedWindow:
    """A window of the recording, as it was observed in each of its voices."""

    index: int
    voices: tuple[Observation, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` takes back."""
        return {"version": VERSION, "index": self.index, "voices": [voice.to_json() for voice in self.voices]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ObservedWindow:
        """The window that `to_json` gave.

        Raises:
            ValueError: it is of another version.

        """
        if data["version"] != VERSION:
            raise ValueError(f"observed window version {data['version']} is not {VERSION}")
        return cls(data["index"], tuple(map(Observation.from_json, data["voices"])))


def windows_between(start: int, end: int) -> range:
    """The windows that begin in a stretch of the recording, from sample `start` to before sample `end`, by index."""
    return range(-(-start // STEP), -(-end // STEP))
