"""Which clips a recording's language is detected by. It is detected once, so that all parts have the same one. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from services.gpu_worker.engine.plan.plan import Clip

CLIPS = 3
"""How many clips are used: the longest of the first `AMONG`, which are some ten minutes. One clip alone is often a
greeting or a jingle."""
AMONG = 20


def telling(first: Sequence[Clip]) -> list[Clip]:
    """These clips, of a recording's first ones, in the order in which they are read."""
    longest = sorted(first[:AMONG], key=lambda clip: (-clip.samples, clip.index))
    return sorted(longest[:CLIPS], key=lambda clip: clip.index)
