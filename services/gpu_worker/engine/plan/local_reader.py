"""Reading in this process: for recordings that are known to be harmless, and inside a process that may crash."""

from __future__ import annotations

from services.gpu_worker.engine.plan import clip_audio, part_audio, planner


class LocalReader:
    """A `Reader` that starts no process."""

    plan = staticmethod(planner.make_plan)
    sounds = staticmethod(clip_audio.sounds)
    cut_parts = staticmethod(part_audio.cut_parts)
