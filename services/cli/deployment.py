"""The deployment that a command works on, as the environment names it."""

from __future__ import annotations

from functools import cache

from pydantic_settings import BaseSettings

from services.common.aws import Aws
from services.common.settings import load
from services.common.store.store import Store
from services.common.webhooks.vault import Vault


class CliSettings(BaseSettings):
    """Terraform prints both as outputs."""

    table_name: str
    secrets_key_id: str = ""
    """Only needed to register callbacks."""
    webhook_allow_private: bool = False
    """Plain http and private addresses: for the local stack."""


@cache
def settings() -> CliSettings:
    return load(CliSettings)


@cache
def store() -> Store:
    return Store(Aws().dynamodb(), settings().table_name)


@cache
def vault() -> Vault:
    return Vault(Aws().kms(), settings().secrets_key_id)
