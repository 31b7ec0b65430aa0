"""Where a reading leaves what it writes for people who listen."""

from __future__ import annotations

from pathlib import Path

PEAKS_PER_SECOND = 20
PEAKS_TYPE, COPY_TYPE = "application/gzip", "audio/mp4"
"""Media types."""


def peaks_file(folder: Path) -> Path:
    """Of a reading into this folder; it is missing where there are no peaks."""
    return folder / "peaks.gz"


def copy_file(folder: Path) -> Path:
    """The listening copy; it is missing where none is needed, or none could be made."""
    return folder / "listening.m4a"
