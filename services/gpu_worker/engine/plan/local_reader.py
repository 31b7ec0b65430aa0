"""Reading in this process: for recordings that are known to be harmless, and inside a process that may crash."""

from __future__ import annotations

from services.gpu_worker.engine.plan import part_audio, planned_clips, planner


class LocalReader:
    """A `Reader` that starts no process."""

    plan = staticmethod(planner.plan)
    clips = staticmethod(planned_clips.clips)
    cut_parts = staticmethod(part_audio.cut_parts)
