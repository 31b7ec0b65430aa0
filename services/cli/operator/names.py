"""The names of a deployment's resources, as Terraform makes them from its own name and the region. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULT = "transcription"
"""The deployment's name if nobody gave it another (terraform/variables.tf)."""
JOBS = "-jobs"
"""How a table's name ends that nobody chose."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names that the modules in terraform/ give."""

    deployment: str
    region: str

    @property
    def _prefix(self) -> str:
        return f"{self.deployment}-{self.region}"

    @property
    def config_parameter(self) -> str:
        return f"/{self.deployment}/worker"

    @property
    def table(self) -> str:
        """Unless it was chosen otherwise: then the deployment's settings have it."""
        return f"{self.deployment}{JOBS}"

    @property
    def orchestrator(self) -> str:
        return f"{_titled(self.deployment)}ProcessUpload"

    @property
    def api(self) -> str:
        return f"{_titled(self.deployment)}API"

    @property
    def queue(self) -> str:
        return f"{self._prefix}-uploads"

    @property
    def dead_letters(self) -> str:
        return f"{self._prefix}-uploads-dead-letters"

    @property
    def sweep_rule(self) -> str:
        return f"{self._prefix}-sweep"

    @property
    def alarms(self) -> str:
        """How the names of all alarms begin."""
        return f"{self._prefix}-"


def deployment_name(given: str | None, config_parameter: str, table_name: str) -> str:
    """The deployment that is meant: as given, else as the environment's variables name it, else the default one."""
    of_parameter = re.fullmatch(r"/([^/]+)/worker", config_parameter)
    of_table = table_name.removesuffix(JOBS) if table_name.endswith(JOBS) else ""
    return given or (of_parameter[1] if of_parameter else "") or of_table or DEFAULT


def _titled(name: str) -> str:
    """As Terraform's `title`: each word begins with a capital letter, also one behind a hyphen."""
    return re.sub(r"(^|-)([a-z])", lambda found: found[1] + found[2].upper(), name)
