"""The deployment that a command works on, as the environment names it."""

from __future__ import annotations

from functools import cache, partial

from pydantic_settings import BaseSettings

from services.common.aws import Aws
from services.common.domain.events import Places
from services.common.erasure import Erasure
from services.common.settings import SettingsError, load
from services.common.source_object import uploaded_at
from services.common.store.announcements import Announcer
from services.common.store.commands import Commands
from services.common.store.store import Store
from services.common.webhooks.vault import Vault


class CliSettings(BaseSettings):
    """The settings of the command line, named as `terraform output` prints them."""

    table_name: str
    secrets_key_id: str = ""
    """Needed to register callbacks."""
    webhook_allow_private: bool = False
    """Plain http and private addresses: for the local stack."""
    bucket_name: str = ""
    """Needed to cancel, retry or erase a job."""
    public_url: str = ""
    """Base URL of the API, to which webhooks about commands point."""
    retention_days: int = 30
    """Days for which events are kept."""


@cache
def settings() -> CliSettings:
    return load(CliSettings)


@cache
def store() -> Store:
    return Store(Aws().dynamodb(), settings().table_name)


def bucket() -> str:
    """The bucket's name.

    Raises:
        SettingsError: the environment does not name it.

    """
    if not settings().bucket_name:
        raise SettingsError("Set BUCKET_NAME: `terraform output bucket_name` prints it.")
    return settings().bucket_name


@cache
def commands() -> Commands:
    places = Places(bucket=bucket(), public_url=settings().public_url, retention_days=settings().retention_days)
    return Commands(store(), Announcer(store().callbacks, places), partial(uploaded_at, Aws().s3(), bucket()))


@cache
def erasure() -> Erasure:
    return Erasure(store(), Aws().s3(), bucket())


@cache
def vault() -> Vault:
    return Vault(Aws().kms(), settings().secrets_key_id)
