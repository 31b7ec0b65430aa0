"""Which clips a recording's language is detected by. It is detected once, so that all parts have the same one. Pure."""

from __future__ import annotations

from services.gpu_worker.engine.plan.plan import Plan

CLIPS = 3
"""How many clips are used: the longest of the first `AMONG`, which are some ten minutes. One clip alone is often a
greeting or a jingle."""
AMONG = 20


def telling(plan: Plan) -> list[int]:
    """The indices of these clips, in the order in which they are read."""
    longest = sorted(plan.clips[:AMONG], key=lambda clip: (-clip.samples, clip.index))
    return sorted(clip.index for clip in longest[:CLIPS])
