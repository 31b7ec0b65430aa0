"""`transcribe open`: a recording on the service's page."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from services.cli.api.client import Api, path
from services.cli.printing import as_json, note


def open_page(
    context: typer.Context,
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID", help="As `transcribe jobs` lists it.")],
) -> None:
    """Open a job on the service's page, in a browser, and print its address.

    The page asks for the key itself, since an address with it would be kept by the browser.
    """
    api = Api.of(context.obj)
    # A wrong id is told here: the browser is not to show it.
    job = api.get(path("jobs", job_id))
    address = f"{api.url}/#/{job['job_id']}"
    if context.obj.json:
        as_json({"url": address})
    else:
        print(address, flush=True)
    if not webbrowser.open(address):
        note("There is no browser here that could be opened: open this address in one.")
