"""Runs the whole system on this machine."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from services.cli.errors import RefusedError

NEEDED = ("services.local", "moto", "uvicorn")
"""Of the extra `local`; who installs one of them by it has installed all."""
PROGRAM = "services.local.serve"


def local(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Where jobs, files and keys are kept; without it they end with the system."),
    ] = None,
    *,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Whose pages may use it, as http://localhost:5173; may be repeated."),
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="KEY", help="A model of the hub; else a small one.")] = None,
    models_folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the model lies, in CTranslate2's form.")
    ] = None,
) -> None:
    """Run the whole system until Ctrl-C: API, S3, queue, table, orchestrator and machines.

    The address, a key and the bucket are printed, as lines that a shell takes too. `--local` on other commands uses it.

    Raises:
        RefusedError: what it needs is not installed.

    """
    if not all(find_spec(name) for name in NEEDED):
        raise RefusedError("The local system is not installed here: run `pip install '.[local]'` in the repository.")
    given = {"--model": model, "--models-folder": models_folder}
    options = [f"{name}={value}" for name, value in given.items() if value is not None]
    options += [f"--cors-origin={origin}" for origin in cors_origin or ()]
    folders = ["--", str(folder)] if folder else []
    # Modules are looked for beside this one, and not in the folder in which the user stands, which Python would add.
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
    # It takes the place of this process, so Ctrl-C and exit codes need nobody in between.
    os.execve(sys.executable, [sys.executable, "-m", PROGRAM, *options, *folders], environment)  # noqa: S606 - no shell
