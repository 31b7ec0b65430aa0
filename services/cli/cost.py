"""`transcribe cost`: what jobs have cost; with recordings, what they will cost."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.errors import UsageError
from services.cli.operator.arguments import checked
from services.cli.operator.days import Days, day, last_days

if TYPE_CHECKING:
    from datetime import date

WEEK_DAYS, MONTH_DAYS = 7, 30
_Day = Annotated[bool, typer.Option("--day", help="The jobs of today; so it is without any of these options.")]
_Client = Annotated[
    str | None, typer.Option("--client", metavar="NAME", help="Whose jobs; else everybody's, by client.")
]


def cost(
    context: typer.Context,
    *,
    recordings: Annotated[
        list[str] | None, typer.Argument(metavar="FILE…", help="Recordings, or folders of them, before they are sent.")
    ] = None,
    today: _Day = False,
    week: Annotated[bool, typer.Option("--week", help=f"The last {WEEK_DAYS} days, today included.")] = False,
    month: Annotated[bool, typer.Option("--month", help=f"The last {MONTH_DAYS} days, today included.")] = False,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="The first day, as 2026-11-01.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="The last day; else today.")] = None,
    client: _Client = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Look into folders of folders too.")] = False,
) -> None:
    """What jobs have cost; with FILE…, what recordings will cost and how long their texts take.

    For FILE… neither AWS nor the network is needed.
    """
    asked = [one for one in (today, week, month, since or until) if one]
    if recordings:
        if asked or client:
            raise UsageError("Give recordings that are not sent yet, or days and a client, whose jobs are: not both.")
        from services.cli.recordings.estimate import estimate  # noqa: PLC0415 - each half does without the other

        estimate(recordings, recursive=recursive, json=context.obj.json)
        return
    if len(asked) > 1:
        raise UsageError("Give one of --day, --week, --month, or --since and --until.")
    from services.cli.operator.spending import spending  # noqa: PLC0415 - as above

    now = _day_here()
    days = _between(since, until, now) if since or until else last_days(_number(week=week, month=month), now)
    spending(days, client and checked(client), json=context.obj.json)


def _day_here() -> date:
    """Today, as the clock of this machine has it."""
    return datetime.now().astimezone().date()


def _number(*, week: bool, month: bool) -> int:
    return MONTH_DAYS if month else WEEK_DAYS if week else 1


def _between(since: str | None, until: str | None, now: date) -> Days:
    if since is None:
        raise UsageError("--until is the last day of some: give the first one too, with --since.")
    days = Days(first=day("since", since), last=day("until", until) if until else now)
    if days.first > days.last:
        raise UsageError(f"{days.first} is after {days.last}: --since is the first day, --until the last one.")
    return days
