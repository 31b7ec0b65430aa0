"""Which API a command speaks to, and with which key: of flag, environment and login, the first that has it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from services.cli import folders
from services.cli.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from services.cli.commands import Given

URL, KEY = "TRANSCRIBE_URL", "TRANSCRIBE_KEY"
KEYRING_SERVICE = "transcribe"


@dataclass(frozen=True, kw_only=True)
class Connection:
    """An API, and the key that opens it."""

    url: str
    key: str


def find(given: Given) -> Connection:
    """The connection that a command should use.

    Raises:
        UsageError: there is no address or no key.
        RefusedError: `--local`, and no local system runs.

    """
    if given.local:
        return local()
    kept = _kept() if not ((given.api or os.environ.get(URL)) and (given.key or os.environ.get(KEY))) else {}
    url = given.api or os.environ.get(URL) or kept.get("url")
    if not url:
        raise UsageError(f"No service is known: run `transcribe login`, or set {URL} to the address of its API.")
    return Connection(url=address(url), key=given.key or os.environ.get(KEY) or _key(kept, address(url)))


def address(text: str) -> str:
    """The base address of an API as it is kept: without a slash at the end.

    Raises:
        UsageError: it is no http(s) address.

    """
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"{text} is no address of an API: it begins with https:// and is what `terraform output` prints."
        )
    return text.rstrip("/")


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
    """The system that `transcribe local` runs, if it still does: the file of one that was killed is there, unlocked."""
    import fcntl  # noqa: PLC0415 - the rest works where this is missing

    try:
        with local_file().open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        told = json.loads(local_file().read_text("utf-8"))
        return Connection(url=told["url"], key=told["key"])
    except OSError:
        pass
    return None


def local_file() -> Path:
    """Where `transcribe local` says how it is reached. It holds a lock on the file while it runs."""
    return folders.state() / "local.json"


def keep(connection: Connection) -> str:
    """Keep a connection for later commands; returns where its key is: `keyring`, or a path."""
    keyring = _keyring()
    told: dict[str, str] = asdict(connection)
    where = str(login_file())
    if keyring is not None:
        keyring.set_password(KEYRING_SERVICE, connection.url, connection.key)
        del told["key"]
        where = "keyring"
    folders.write(login_file(), json.dumps(told))
    return where


def forget() -> bool:
    """Forget the kept connection; False: there was none."""
    kept = _kept()
    keyring = _keyring()
    if kept and "key" not in kept and keyring is not None:
        with suppress(keyring.errors.KeyringError):
            keyring.delete_password(KEYRING_SERVICE, kept["url"])
    login_file().unlink(missing_ok=True)
    return bool(kept)


def login_file() -> Path:
    """Where the kept connection is; without its key, if that is in a keyring."""
    return folders.config() / "login.json"


def _kept() -> dict[str, str]:
    try:
        kept: dict[str, str] = json.loads(login_file().read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RefusedError(f"{login_file()} cannot be read ({error}): run `transcribe login` again.") from None
    return kept


def _key(kept: dict[str, str], url: str) -> str:
    """The kept key. It is sent to no other address than the one that it was kept for."""
    if kept.get("url") == url:
        keyring = None if "key" in kept else _keyring()
        key = kept.get("key") or (keyring and keyring.get_password(KEYRING_SERVICE, url))
        if key:
            return str(key)
    raise UsageError(f"No key is known for {url}: run `transcribe login`, or set {KEY}.")


def _keyring() -> Any:  # noqa: ANN401 - the module `keyring`
    """The library, if this machine has a keyring that it can use."""
    try:
        import keyring  # noqa: PLC0415 - it takes longer to load than a command that needs no key
        import keyring.errors  # noqa: PLC0415
    except ImportError:
        return None
    return keyring if keyring.get_keyring().priority > 0 else None
