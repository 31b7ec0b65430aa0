"""The deployment that a command works on, as the environment names it."""

from __future__ import annotations

import json
import os
from functools import cache

import boto3
from pydantic_settings import BaseSettings

from services.common.aws import Aws
from services.common.domain.events import Places
from services.common.erasure import Erasure
from services.common.settings import CommonSettings, SettingsError, load, load_told
from services.common.source_object import SourceObjects
from services.common.store.announcements import Announcer
from services.common.store.commands import Commands
from services.common.store.store import Store
from services.common.webhooks.vault import Vault


class CliSettings(BaseSettings):
    """The settings of the command line, named as `terraform output` prints them."""

    table_name: str = ""
    """Needed by every command."""
    secrets_key_id: str = ""
    """Needed to register callbacks."""
    webhook_allow_private: bool = False
    """Plain http and private addresses: for the local stack."""
    config_parameter: str = ""
    """The SSM parameter with the deployment's other settings. Needed to cancel, retry or erase a job, and to know which
    models a client's uploads may have."""

    def needed(self, name: str, output: str) -> str:
        """A setting without which the command cannot work; `output` is Terraform's that has it.

        Raises:
            SettingsError: it is not set.

        """
        value = str(getattr(self, name))
        if not value:
            raise SettingsError(f"Set {name.upper()}: `terraform output -raw {output}` prints it.")
        return value


def aws() -> Aws:
    """AWS, in the region that AWS_REGION names, as AWS's other programs have it; boto3 does not know this name."""
    return Aws(boto3.session.Session(region_name=os.environ.get("AWS_REGION")))


@cache
def settings() -> CliSettings:
    return load(CliSettings)


@cache
def store() -> Store:
    table = settings().needed("table_name", "table_name")
    return Store(aws().dynamodb(), table)


@cache
def own_settings() -> CommonSettings:
    """The deployment's settings as it has them itself: a person could name those of another deployment.

    Raises:
        SettingsError: the environment names no parameter, or that of another deployment.

    """
    name = settings().needed("config_parameter", "config_parameter")
    stored = json.loads(aws().ssm().get_parameter(Name=name)["Parameter"]["Value"])
    told = load_told(CommonSettings, stored)
    if told.table_name != settings().table_name:
        raise SettingsError(
            f"TABLE_NAME is {settings().table_name}, and {name} is of the deployment with the table "
            f"{told.table_name}: take both from `terraform output` of one deployment."
        )
    return told


@cache
def places() -> Places:
    """The deployment's bucket and addresses. Raises as `own_settings`."""
    own = own_settings()
    return Places(bucket=own.bucket_name, public_url=own.public_url, retention_days=own.retention_days)


@cache
def commands() -> Commands:
    recordings = SourceObjects(aws().s3(), places().bucket)
    return Commands(store(), Announcer(store().callbacks, places()), recordings.uploaded_at, recordings.give_up)


@cache
def erasure() -> Erasure:
    return Erasure(store(), aws().s3(), places().bucket)


@cache
def vault() -> Vault:
    key = settings().needed("secrets_key_id", "key_arn")
    return Vault(aws().kms(), key)
