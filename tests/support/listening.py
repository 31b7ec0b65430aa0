"""Plans and words of recordings, each with a spool of its own that is gone afterwards."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.common.domain.options import Options
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.engine import Engine
from services.gpu_worker.engine.plan.local_reader import LocalReader
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.plan.reader import Reader

LONGEST = 1e6
"""Seconds: no recording of a test is too long."""


def plan_of(
    path: Path, options: Options, *, reader: Reader | None = None, max_seconds: float = LONGEST, **given: Any
) -> Plan:
    """The plan of a recording, without its words; `given` as `Reader.plan` takes it."""
    given = {"stop": threading.Event(), **given}
    with tempfile.TemporaryDirectory() as spool:
        *_, plan = (reader or LocalReader()).plan(path, options, spool=Path(spool), max_seconds=max_seconds, **given)
    assert isinstance(plan, Plan)
    return plan


def cut(path: Path, options: Options, folder: Path, *, reader: Reader | None = None, **given: Any) -> Plan:
    """The plan of a recording, each of whose parts is written as `<index>.flac` into a folder."""
    reader, stop = reader or LocalReader(), threading.Event()
    with tempfile.TemporaryDirectory() as spool:
        *_, plan = reader.plan(path, options, spool=Path(spool), max_seconds=LONGEST, stop=stop, **given)
        assert isinstance(plan, Plan)
        reader.cut_parts(plan, Path(spool), folder, stop=stop)
    return plan


def heard(
    engine: Engine, path: Path, options: Options, *, max_seconds: float = LONGEST, **given: Any
) -> tuple[Plan, list[ClipResult]]:
    """The plan of a recording, and the results of its clips in order; `given` as `Engine.transcribe` takes it."""
    given = {"stop": threading.Event(), **given}
    plans: list[Plan] = []
    with tempfile.TemporaryDirectory() as spool:
        results = list(
            engine.transcribe(path, options, spool=Path(spool), max_seconds=max_seconds, planned=plans.append, **given)
        )
    return plans[0], sorted(results, key=lambda result: result.index)


def decoded(
    engine: Engine, path: Path, plan: Plan, clips: Sequence[int], options: Options, **given: Any
) -> list[ClipResult]:
    """The results of clips of a known plan, in order; `given` as `Engine.decode` takes it."""
    given = {"stop": threading.Event(), **given}
    with tempfile.TemporaryDirectory() as spool:
        results = list(engine.decode(path, plan, clips, options, spool=Path(spool), **given))
    return sorted(results, key=lambda result: result.index)
