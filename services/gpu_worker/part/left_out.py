"""The remark in a plan that a job runs without some of its client's defaults. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.common.transcript.quality import Remark

if TYPE_CHECKING:
    from services.common.domain.records import Job
    from services.gpu_worker.engine.plan.plan import Plan


def with_what_was_left_out(plan: Plan, job: Job) -> Plan:
    """The plan with a remark that names the defaults that intake had to leave out, if there are any."""
    if not job.left_out:
        return plan
    reasons = " ".join(f"{one['option']}: {one['message']}" for one in job.left_out)
    remark = Remark("defaults_left_out", f"Of the client's options for its uploads some were left out. {reasons}")
    return replace(plan, remarks=(*plan.remarks, remark))
