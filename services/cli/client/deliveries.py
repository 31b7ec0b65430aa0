"""The messages that were sent about a job, or to a callback."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

import typer

from services.cli.api.client import Api, path
from services.cli.printing import answer, as_json, moment, note, table

CALLBACKS = "cb_"
"""With this the ids of callbacks begin."""
HEADINGS = ("id", "status", "tries", "came to", "last try", "next try", "message", "callback")


def deliveries(
    context: typer.Context,
    of: Annotated[
        str, typer.Argument(metavar="ID", help="A job's id, or a callback's: then its tests and its challenge.")
    ],
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many, the oldest.")] = 200,
) -> None:
    """The messages about a job, or to a callback, with what came of each, oldest first."""
    kind = "callbacks" if of.startswith(CALLBACKS) else "jobs"
    found = list(islice(Api.of(context.obj).pages(path(kind, of, "deliveries"), "deliveries"), limit + 1))
    if context.obj.json:
        as_json(found[:limit])
    elif found:
        table(HEADINGS, map(_row, found[:limit]))
    else:
        note(
            f"There are no messages: no callback has been told of {of}." if kind == "jobs" else "There are no messages."
        )
    if len(found) > limit:
        note("There are more messages: see them with a higher --limit.")


def redeliver(
    context: typer.Context,
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID", help="What the message is about.")],
    delivery_id: Annotated[
        str, typer.Argument(metavar="DELIVERY_ID", help="As `transcribe deliveries JOB_ID` lists it.")
    ],
) -> None:
    """Send a message about a job again: the same bytes, on a schedule that begins anew."""
    delivery = Api.of(context.obj).post(path("jobs", job_id, "deliveries", delivery_id, "redeliver"))
    answer(delivery, f"{delivery['delivery_id']} {delivery['status']}", json=context.obj.json)


def _row(delivery: dict[str, Any]) -> tuple[object, ...]:
    last = (delivery["tries"] or [{}])[-1]
    came = " ".join(str(one) for one in (last.get("outcome"), last.get("status")) if one)
    tried, following = moment(last.get("at")), moment(delivery.get("next_attempt_at"))
    went = (delivery["delivery_id"], delivery["status"], delivery["attempts"], came, tried, following)
    return *went, delivery["type"], delivery["callback_id"]
