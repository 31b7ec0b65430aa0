"""By which clips a recording's language is told, once, so that every part is decoded in the same one. Pure."""

from __future__ import annotations

from services.gpu_worker.engine.plan.plan import Plan

CLIPS = 3
"""The longest of the first ten minutes or so; one clip alone is often a greeting or a jingle."""
AMONG = 20


def telling(plan: Plan) -> list[int]:
    """Clips by index, in the order in which they are read."""
    longest = sorted(plan.clips[:AMONG], key=lambda clip: (-clip.samples, clip.index))
    return sorted(clip.index for clip in longest[:CLIPS])
