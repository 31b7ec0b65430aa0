"""Shows how long the stages from upload to text took."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from services.cli.operator import deployment
from services.cli.operator.arguments import Client
from services.common.domain.stages import STAGES, ledger
from services.common.domain.states import JobStatus

LOOKED_AT = 10
"""Jobs that are read for each completed one that is wanted."""


def stages(
    client: Client = "default",
    jobs: Annotated[int, typer.Option(min=1, help="How many of the newest completed ones.")] = 100,
) -> None:
    """What the stages from upload to text took, in seconds, beside the budget for an own and for the public image."""
    store = deployment.store()
    found = store.jobs.of_client(client, limit=LOOKED_AT * jobs)
    completed = list(islice((job.times for job in found if job.status is JobStatus.COMPLETED), jobs))
    print(f"{len(completed)} completed jobs of {client}; seconds")
    print(f"{'from':>15}   {'to':15}{'jobs':>5}{'median':>8}{'nine in ten':>13}{'own':>6}{'public':>8}  what")
    for took in ledger(completed):
        stage = took.stage
        seen = f"{took.median:8.1f}{took.ninetieth:13.1f}" if took.jobs else f"{'-':>8}{'-':>13}"
        budget = f"{stage.own_image:6g}{stage.public_image:8g}"
        print(f"{stage.since:>15} → {stage.until:15}{took.jobs:5}{seen}{budget}  {stage.what}")
    own, public = sum(stage.own_image for stage in STAGES), sum(stage.public_image for stage in STAGES)
    print(f"{'in all':>15}   {'':15}{'':5}{'':8}{'':13}{own:6g}{public:8g}")
