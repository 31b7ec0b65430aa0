"""`transcribe cleanup`: finds what should not be there, shows it, asks, and ends it.

What is ended was found twice: when it was shown, and once more just before. So a run can be interrupted and repeated.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from services.cli.errors import Exit, UsageError
from services.cli.operator import deployment
from services.cli.operator.cleanup import images, launching, machines, storage
from services.cli.operator.cleanup.deployed import Deployed
from services.cli.operator.cleanup.looking import Round
from services.cli.printing import as_json, note, shown
from services.common.domain.errors import InvalidOptionError

LEFTOVERS = (
    *(machines.ABANDONED, storage.VOLUMES, storage.UPLOADS),
    *(images.SUPERSEDED, images.ORPHANS),
)
USUAL = (machines.STRAYS, *LEFTOVERS)
BEFORE_DESTROY = (launching.SCHEDULE, launching.MAPPINGS, launching.MACHINES, *LEFTOVERS)
_NAME = re.compile(r"[a-z][a-z0-9-]{1,18}[a-z0-9]")


def _checked(name: str) -> str:
    """Check a deployment's name and return it. In a filter of EC2, `*` would stand for other deployments, too.

    Raises:
        InvalidOptionError: Terraform makes no deployment of this name.

    """
    if name and not _NAME.fullmatch(name):
        raise InvalidOptionError("deployment", "A deployment's name is 3 to 20 small letters, digits and hyphens.")
    return name


def cleanup(
    context: typer.Context,
    *,
    name: Annotated[
        str,
        typer.Option(
            "--deployment", metavar="NAME", callback=_checked, help="Whose; else the one of CONFIG_PARAMETER."
        ),
    ] = "",
    before_destroy: Annotated[
        bool,
        typer.Option(
            "--before-destroy", help="Also stop the schedule and the queue, and end all machines, until they are gone."
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be ended, and end nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """End what a deployment has left over. Machines, slots, disks, uploads in parts and images are looked for.

    It shows what it has found, and asks. What is younger than some minutes is left alone, and so is whatever belongs to
    another deployment. If it was interrupted, run it again.
    """
    deployed = Deployed(name or _configured(), deployment.aws())
    found = Round(deployed, BEFORE_DESTROY if before_destroy else USUAL)
    found.look()
    to_do = (before_destroy or found.found) and not dry_run
    if not context.obj.json:
        _show(found, print)
    elif to_do and not yes:
        _show(found, note)
    if to_do:
        if not yes:
            _ask(found, before_destroy=before_destroy)
        found.end()
        if before_destroy:
            note("A call that is under way may still launch a machine: looking again in some minutes.")
            if found.attempt("waiting for machines", partial(launching.settle, deployed)) and not found.refused:
                note("No machine is left, and nothing launches any: `terraform destroy` can go on.")
    if context.obj.json:
        as_json(found.document())
    if found.refused:
        raise typer.Exit(Exit.REFUSED)


def _configured() -> str:
    """The deployment whose parameter the environment names.

    Raises:
        UsageError: it names none.

    """
    parameter = deployment.settings().config_parameter
    if not parameter:
        raise UsageError("Name the deployment: give --deployment NAME, or set CONFIG_PARAMETER.")
    return _checked(parameter.strip("/").partition("/")[0])


def _show(found: Round, write: Callable[[str], None]) -> None:
    for kind, finding in found.found:
        write(shown(f"{kind.action} {finding.name}: {finding.why}"))
    if not found.found:
        note(f"{found.deployed.name} has nothing left over in {found.deployed.region}, as far as it could be seen.")


def _ask(found: Round, *, before_destroy: bool) -> None:
    """Ask whether all that was shown is to be ended.

    Raises:
        UsageError: nobody can be asked.
        typer.Exit: the answer is no.

    """
    if not sys.stdin.isatty():
        raise UsageError("Nothing was ended, since nobody can be asked here: add --yes if you are sure.")
    where = f"{found.deployed.name} in {found.deployed.region}"
    question = f"Stop {where} and end this?" if before_destroy else f"End this of {where}?"
    if not typer.confirm(question, err=True):
        note("Nothing was ended.")
        raise typer.Exit(Exit.FAILED)
