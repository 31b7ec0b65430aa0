"""Which API a command speaks to, and with which key: of flag, environment and login, the first that has it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from services.cli import folders
from services.cli.api import login_store
from services.cli.api.login_store import Connection
from services.cli.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from services.cli.commands import Given

URL, KEY = "TRANSCRIBE_URL", "TRANSCRIBE_KEY"
_OWN_DOMAINS = ("localhost", "local", "internal")
"""Names below these are those of a machine's own network (RFC 6761, RFC 6762, and ICANN's for private use)."""


def find(given: Given) -> Connection:
    """The connection that a command should use.

    Raises:
        UsageError: there is no address or no key, or two are named.
        RefusedError: `--local`, and no local system runs; or the kept login cannot be read.

    """
    if given.local:
        if given.api or given.key:
            raise UsageError("--local is the system of this machine, with its own key: leave out --api and --key.")
        return local()
    url, key = given.api or os.environ.get(URL), given.key or os.environ.get(KEY)
    login = {} if url and key else login_store.read()
    url = url or login.get("url")
    if not url:
        raise UsageError(f"No service is known: run `transcribe login`, or set {URL} to the address of its API.")
    url = address(url)
    key = key or login_store.key_for(url, login)
    if not key:
        raise UsageError(f"No key is known for {url}: run `transcribe login`, or set {KEY}.")
    return Connection(url=url, key=key.strip())


def address(text: str) -> str:
    """The base address of an API as it is kept: without `/api` and a slash at the end.

    Raises:
        UsageError: it is no http(s) address, or has more than a host, a port and a path; or it is a public one without
            TLS, where everybody on the way reads the key.

    """
    text = text.strip()
    try:
        parts = urlsplit(text)
        more = parts.query or parts.fragment or parts.username is not None or any(map(str.isspace, text))
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True) and not more
    except ValueError:
        good = False
    if not good or not text.isprintable():
        # Not as it was given: there may be a password in it.
        given = text.rpartition("@")[2]
        raise UsageError(
            f"{given} is no address of an API: one begins with https://, as `terraform output api_url` prints it."
        )
    if parts.scheme == "http" and not _near(str(parts.hostname)):
        raise UsageError(
            f"{text} would send your key and your recordings unencrypted: give the address with https://, or the one "
            "that the service has in your own network."
        )
    return text.rstrip("/").removesuffix("/api").rstrip("/")


def _near(host: str) -> bool:
    """Whether a host is this machine, or in its own network, by how it is written."""
    from services.common.webhooks.address import is_public, parse  # noqa: PLC0415 - hardly any address needs it

    if literal := parse(host):
        return not is_public(literal)
    *above, last = host.rstrip(".").split(".")
    return not above or last in _OWN_DOMAINS


def local() -> Connection:
    """The system that `transcribe local` runs.

    Raises:
        RefusedError: none runs.

    """
    told = running()
    if told is None:
        raise RefusedError("No local system runs: start one with `transcribe local`, and leave it running.")
    return told


def running() -> Connection | None:
    """The system that `transcribe local` runs, if it still does: the file of one that was killed is there, unlocked.

    Raises:
        RefusedError: one runs, and does not say how it is reached as this version of the program expects it.

    """
    import fcntl  # noqa: PLC0415 - the rest works where this is missing

    try:
        # Not through a link, and without waiting for what is no file.
        file = os.fdopen(os.open(local_file(), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except OSError:
        return None
    with file:
        if os.fstat(file.fileno()).st_uid != os.geteuid():
            # Recordings would go to whoever has written it.
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _announced(file.read())
    return None


def _announced(content: bytes) -> Connection:
    try:
        told = json.loads(content)
        return Connection(url=told["url"], key=told["key"])
    except (LookupError, TypeError, ValueError):
        raise RefusedError(
            "The local system that runs is of another version of this program: end it, and start it with this one."
        ) from None


def local_file() -> Path:
    """Where `transcribe local` says how it is reached. It holds a lock on the file while it runs."""
    return folders.state() / "local.json"
