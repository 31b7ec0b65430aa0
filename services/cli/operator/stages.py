"""Shows how long the stages from upload to text took."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import typer

from services.cli.operator import deployment
from services.cli.operator.arguments import Client
from services.cli.printing import answer
from services.common.domain.stages import STAGES, Took, ledger
from services.common.domain.states import JobStatus

LOOKED_AT = 10
"""Jobs that are read for each completed one that is wanted."""


def stages(
    context: typer.Context,
    client: Client = "default",
    jobs: Annotated[int, typer.Option(min=1, help="How many of the newest completed ones.")] = 100,
) -> None:
    """How long the stages from upload to text took, in seconds, beside the budgets for own and public images."""
    store = deployment.store()
    found = store.jobs.of_client(client, limit=LOOKED_AT * jobs)
    completed = list(islice((job.times for job in found if job.status is JobStatus.COMPLETED), jobs))
    took = ledger(completed)
    document = {"client": client, "jobs": len(completed), "stages": [_fields(one) for one in took]}
    head = f"{len(completed)} completed jobs of {client}; seconds"
    answer(document, head, *_table(took), json=context.obj.json)


def _fields(took: Took) -> dict[str, object]:
    """Seconds; those of a stage that no job went through are null."""
    stage = took.stage
    return {
        "from": stage.since,
        "to": stage.until,
        "jobs": took.jobs,
        "median": took.median if took.jobs else None,
        "nine_in_ten": took.ninetieth if took.jobs else None,
        "own_image": stage.own_image,
        "public_image": stage.public_image,
        "what": stage.what,
    }


def _table(ledger: list[Took]) -> Iterator[str]:
    yield f"{'from':>15}   {'to':15}{'jobs':>5}{'median':>8}{'nine in ten':>13}{'own':>6}{'public':>8}  what"
    for took in ledger:
        stage = took.stage
        seen = f"{took.median:8.1f}{took.ninetieth:13.1f}" if took.jobs else f"{'-':>8}{'-':>13}"
        budget = f"{stage.own_image:6g}{stage.public_image:8g}"
        yield f"{stage.since:>15} → {stage.until:15}{took.jobs:5}{seen}{budget}  {stage.what}"
    own, public = sum(stage.own_image for stage in STAGES), sum(stage.public_image for stage in STAGES)
    yield f"{'in all':>15}   {'':15}{'':5}{'':8}{'':13}{own:6g}{public:8g}"
