"""Keeps an API's address and a key on this machine, and forgets them."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from services.cli.api import kept
from services.cli.api.client import Api
from services.cli.api.connection import KEY, URL, address
from services.cli.api.kept import Connection
from services.cli.errors import RefusedError, UsageError
from services.cli.printing import answer, note

UNAUTHORIZED = 401


def login(
    context: typer.Context,
    *,
    api: Annotated[
        str | None, typer.Option(metavar="URL", help="Base address of the API; else TRANSCRIBE_URL, else it is asked.")
    ] = None,
    key_stdin: Annotated[
        bool,
        typer.Option("--key-stdin", help="Read the key from standard input, as is done where that is no terminal."),
    ] = False,
) -> None:
    """Keep the API's address and a key for later commands.

    Both are tried with one request before. The key goes into the machine's keyring, or, where there is none, into a
    file that only you can read. TRANSCRIBE_URL, TRANSCRIBE_KEY and options go before what is kept.
    """
    people = sys.stdin.isatty() and not key_stdin
    url = address(api or os.environ.get(URL) or _asked_url(people=people))
    made = Connection(url=url, key=_given_key(people=people))
    _tried(made)
    where = kept.keep(made)
    told = "the keyring" if where == kept.KEYRING else where
    answer({"url": url, "kept_in": where}, f"Logged in to {url}; the key is in {told}.", json=context.obj.json)
    if set_ := [name for name, value in ((URL, url), (KEY, made.key)) if os.environ.get(name, value) != value]:
        note(f"{' and '.join(set_)} of your environment still go before it.")


def logout(context: typer.Context) -> None:
    """Forget the kept address and key."""
    url = kept.forget()
    answer({"url": url}, f"Logged out of {url}." if url else "There was no login.", json=context.obj.json)


def _asked_url(*, people: bool) -> str:
    if not people:
        raise UsageError(f"Nobody can be asked for the address here: give it with --api, or set {URL}.")
    return str(typer.prompt("Address of the API", default=kept.url(), err=True))


def _given_key(*, people: bool) -> str:
    key = str(typer.prompt("API key", hide_input=True, err=True) if people else sys.stdin.readline()).strip()
    if not key:
        raise UsageError("No key was given: write it to standard input, as `transcribe keys create` prints it.")
    return key


def _tried(made: Connection) -> None:
    """Make one request.

    Raises:
        RefusedError: the key opens nothing there, or it is no API.
        UnreachableError: nothing answers.

    """
    try:
        Api(made).get("/api/jobs", limit=1)
    except RefusedError as error:
        if error.status == UNAUTHORIZED:
            raise RefusedError(
                f"Nothing was kept: {made.url} does not know this key; compare it with what your operator gave you."
            ) from None
        raise
