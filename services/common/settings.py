"""Settings: one class per service, read from the environment. All that is missing or wrong is reported together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode

from services.common.domain.errors import TranscriberError

if TYPE_CHECKING:
    from collections.abc import Mapping

Words = Annotated[tuple[str, ...], NoDecode]
"""A list, separated by commas."""


class SettingsError(TranscriberError):
    """A setting that the service needs is missing or wrong."""

    code = "SETTINGS"


class CommonSettings(BaseSettings):
    """The settings of every service."""

    table_name: str
    bucket_name: str
    deployment: str
    secrets_key_id: str
    public_url: str = ""
    """Base URL of the API; empty if the deployment has none."""
    models: Words
    retention_days: int = 30
    log_level: str = "info"
    webhook_allow_private: bool = False
    """Plain http and private addresses: for the local stack, which has nothing else."""

    @field_validator("models", "unrecorded_models", "subnet_ids", "instance_types", mode="before", check_fields=False)
    @classmethod
    def _split(cls, value: object) -> object:
        return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


Settings = TypeVar("Settings", bound=BaseSettings)


def load(kind: type[Settings], **known: Any) -> Settings:  # noqa: ANN401 - as pydantic takes them
    """Load the settings of a service; values in `known` are used instead of those of the environment.

    Raises:
        SettingsError: naming every variable that is missing or wrong, and why.

    """
    try:
        return kind(**known)
    except ValidationError as error:
        problems = "; ".join(
            f"{str(problem['loc'][0]).upper()}: {problem['msg'].lower()}" for problem in error.errors()
        )
        raise SettingsError(f"These settings must be put right in the environment: {problems}.") from None


def load_told(kind: type[Settings], document: Mapping[str, Any]) -> Settings:
    """Load the settings that a document has under the variables' names; what only other services need is left out.

    Raises:
        SettingsError: as of `load`.

    """
    told = {name.lower(): value for name, value in document.items()}
    return load(kind, **{name: value for name, value in told.items() if name in kind.model_fields})
