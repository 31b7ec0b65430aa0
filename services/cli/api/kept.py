"""The kept login: an API's address in a file, and its key in the machine's keyring or, if there is none, beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from services.cli import folders
from services.cli.errors import RefusedError
from services.cli.printing import note

if TYPE_CHECKING:
    from pathlib import Path

SERVICE = "transcribe"
"""Under which the keyring lists keys; the user's name there is the API's address."""
KEYRING = "keyring"
"""What `keep` says instead of a path."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """An API, and the key that opens it."""

    url: str
    key: str = field(repr=False)


def file() -> Path:
    """Where the login is; without its key, if that is in a keyring."""
    return folders.config() / "login.json"


def read() -> dict[str, str]:
    """The login: `url`, and `key` if no keyring has it; empty: there is none.

    Raises:
        RefusedError: there is one, and it cannot be read.

    """
    try:
        kept: dict[str, str] = dict(json.loads(file().read_text("utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, TypeError, ValueError) as error:
        raise RefusedError(f"{file()} cannot be read ({error}): run `transcribe login` again.") from None
    return kept


def url() -> str | None:
    """The address of the login; None: there is none that can be read."""
    try:
        return read().get("url")
    except RefusedError:
        return None


def key_for(url: str, kept: dict[str, str]) -> str | None:
    """The key of a login, if it was kept for this address: it is sent to no other.

    Raises:
        RefusedError: it is in a keyring that does not give it.

    """
    if kept.get("url") != url:
        return None
    if "key" in kept:
        return kept["key"]
    try:
        key: str | None = _keyring().get_password(SERVICE, url)
    except Exception as error:  # noqa: BLE001 - each keyring has errors of its own
        raise RefusedError(
            f"The keyring does not give the key ({_told(error)}): unlock it, or run `transcribe login` again."
        ) from None
    return key


def keep(connection: Connection) -> str:
    """Keep a login instead of the one before; returns where its key is: `KEYRING`, or a path.

    Raises:
        OSError: the file cannot be written; the login before is still kept.

    """
    login, where = asdict(connection), str(file())
    before = url()
    if _in_keyring(connection):
        del login["key"]
        where = KEYRING
    folders.write(file(), json.dumps(login))
    if before and before != connection.url:
        _forget_key(before)
    return where


def forget() -> str | None:
    """Forget the login; returns its address, or None: there was none."""
    before = url()
    if before:
        _forget_key(before)
    file().unlink(missing_ok=True)
    return before


def _in_keyring(connection: Connection) -> bool:
    """Put the key into the keyring, if this machine has one that works."""
    try:
        keyring = _keyring()
        if keyring.get_keyring().priority <= 0:  # what stands there where there is none
            return False
        keyring.set_password(SERVICE, connection.url, connection.key)
    except ImportError:
        return False
    except Exception as error:  # noqa: BLE001 - each keyring has errors of its own
        note(f"The keyring does not take the key ({_told(error)}), so a file that only you can read keeps it.")
        return False
    return True


def _forget_key(url: str) -> None:
    try:
        _keyring().delete_password(SERVICE, url)
    except Exception:  # noqa: BLE001 - there is no keyring, it does not know the key, or it does not say
        return


def _keyring() -> Any:  # noqa: ANN401 - the module `keyring`
    import keyring  # noqa: PLC0415 - it takes longer to load than a command that needs no key

    return keyring


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
