"""Reading in this very process: for whoever trusts the recording, and inside a process that may die of it."""

from __future__ import annotations

from services.gpu_worker.engine.plan import clip_audio, part_audio, planner


class LocalReader:
    """A `Reader`."""

    plan = staticmethod(planner.make_plan)
    sounds = staticmethod(clip_audio.sounds)
    cut_parts = staticmethod(part_audio.cut_parts)
