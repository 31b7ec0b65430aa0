"""Recordings as files, and what the planner makes of them."""

from __future__ import annotations

from pathlib import Path

from services.common.domain.options import Options
from services.gpu_worker.engine.plan.plan import Plan
from tests.support.listening import plan_of

SECONDS = 26.0
"""Of the meeting: its first four sentences, enough for anything that is tried here."""


def plan(path: Path, max_seconds: float = 600, **options: object) -> Plan:
    return plan_of(path, Options.parse(options, ["any"]), max_seconds=max_seconds)


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
