"""The records of machines: the slots of a deployment, and the breaker of launches. Times are epoch milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.common.domain.states import SlotStatus


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The right to run one machine."""

    slot: str
    status: SlotStatus
    launch_id: str
    """The id of the launch: CreateFleet's ClientToken and the machine's tag. Every launch has a new one."""
    request: Mapping[str, Any]
    """The frozen request of the launch. If its reply was lost, the same request is made again."""
    taken_at: int
    instance_id: str | None = None
    instance_type: str | None = None
    zone: str | None = None
    market: str = "spot"
    owner: str | None = None
    beat: int = 0
    due_at: int = 0
    times: Mapping[str, int] = field(default_factory=dict)
    stay_until: int = 0
    """Until when the machine waits for work that is expected, even if it has been idle for long. The orchestrator sets
    it, and the machine reads it in the reply to its report."""
    suspected: bool = False
    """Set by the sweep that first missed a heartbeat; the next sweep ends the machine unless it has reported."""
    note: str | None = None
    """The last note of the machine or of the sweep, for people."""


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """The circuit breaker of launches: how many machines in a row never reported, and until when none is launched."""

    silent_boots: int = 0
    open_until: int = 0
    waiting: str | None = None
    """What jobs wait for, if the account ended the last machine: none will start until an operator mends the cause."""
    reason: str | None = None
    """Why the last machine ended, in sentences."""
