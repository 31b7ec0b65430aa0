"""What a contestant heard, and how it is called: the same for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Settings = Mapping[str, Any]
"""Arguments of the contestant's own function or program, by their names there."""


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest piece of text that a contestant gives a time: a word, or a segment."""

    start: float
    """In seconds from the recording's beginning."""
    text: str


Hear = Callable[[Path], list[Unit]]
"""Transcribe a recording."""
Load = Callable[[Path, Settings, Settings], AbstractContextManager[Hear]]
"""Load the model of a folder; the settings are those of loading, and those of transcribing."""
