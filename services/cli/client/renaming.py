"""`transcribe rename`: names for the speakers of a job, at any time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.api.client import Api, path
from services.cli.errors import UsageError
from services.cli.options import speakers
from services.cli.printing import answer, note
from services.common.domain.annotations import MAX_NAMES, check_annotations
from services.common.domain.errors import InvalidAnnotationError
from services.common.domain.options import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

_ONE = re.compile(r"S([0-9]+)=(.*)", re.DOTALL | re.IGNORECASE | re.ASCII)
"""A name for one speaker. Whatever begins so is meant to be that, also if there is no such speaker."""


def rename(
    context: typer.Context,
    *,
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID", help="As `transcribe jobs` lists it.")],
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME…", help='All in the order in which they are first heard, or S2=NAME; "": none.'),
    ],
) -> None:
    """Name the speakers of a job.

    `transcribe rename JOB_ID "Anna Ek" Bo` names S1 and S2, and takes other names away. `S2=Bo` names one, and leaves
    the others. Texts that are shown or written from then on have the names; nothing is transcribed again.
    """
    wanted = _wanted(names)
    api = Api.of(context.obj)
    if isinstance(wanted, dict):
        now = dict(enumerate(api.get(path("jobs", job_id))["names"], start=1)) | wanted
        wanted = [now.get(number) for number in range(1, max(now) + 1)]
    try:
        checked = check_annotations({"names": wanted})
    except InvalidAnnotationError as error:
        raise UsageError(str(error)) from None
    renamed = api.patch(path("jobs", job_id), checked)
    answer(renamed, f"{job_id} {named(renamed)}", json=context.obj.json)
    if remark := _unseen(renamed):
        note(remark)


def _wanted(words: Sequence[str]) -> list[str | None] | dict[int, str | None]:
    """The names of all, or those of some by their number.

    Raises:
        UsageError: it is neither.

    """
    ones = [_ONE.fullmatch(word) for word in words]
    if not any(ones):
        return speakers.names(words)
    if not all(ones):
        raise UsageError("Give the names of all speakers in their order, or each as in `S2=Bo`.")
    wanted = {int(one[1]): one[2] or None for one in ones if one}
    if not all(1 <= number <= MAX_NAMES for number in wanted):
        raise UsageError(f"There are names for S1 to S{MAX_NAMES} only.")
    if len(wanted) < len(words):
        raise UsageError("Give each speaker one name.")
    return wanted


def named(job: dict[str, Any]) -> str:
    """The names of a job's speakers, in a line."""
    told = [f"S{number} is {name}" for number, name in enumerate(job["names"], start=1) if name]
    return ", ".join(told) or "has no names"


def _unseen(job: dict[str, Any]) -> str:
    """Why no text will ever show some of the names, in a sentence; empty if all may be shown."""
    given, usual = len(job["names"]), DEFAULTS.to_json()
    if given and all(job["options"].get(option, usual[option]) == usual[option] for option in ("speakers", "channels")):
        return "No text shows names: the job did not ask for speakers. Send the recording again with `--speakers auto`."
    heard = (job.get("quality") or {}).get("speaker_count")
    if heard is not None and given > heard:
        return f"The job has {heard} speaker{'' if heard == 1 else 's'}: no text shows the further names."
    return ""
