"""The deployment that images are built for: its names as `terraform output` gives them, its settings as machines read
them from its parameter.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from mypy_boto3_ec2.type_defs import ImageTypeDef

NAME, MODELS = "transcription", ("KBLab/kb-whisper-small",)
"""Where nobody says anything else, as in terraform/variables.tf and packer/variables.pkr.hcl."""
FOLDER = Path("terraform")
LIFETIME_MARGIN_MINUTES = 15
"""After which a machine is powered off that did not leave by itself, as in terraform/modules/gpu_worker/main.tf."""
MACHINE = {"Architecture": "x86_64", "RootDeviceName": "/dev/sda1"}
"""What the launch template and the worker's packages are made for."""


class RefusedError(Exception):
    """It cannot be done like this; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """Where a deployment is found. What `terraform output` does not say is as it is by default."""

    deployment: str = NAME
    region: str | None = None
    """None: the one that the environment names."""
    image_parameter: str
    config_parameter: str
    session_manager: bool | None = None
    """None: nobody says whether machines need the agent."""
    known: bool = False
    """Whether somebody named it: Terraform, which has made it from here, or a person."""

    @classmethod
    def of(cls, outputs: Mapping[str, Any], deployment: str | None = None, region: str | None = None) -> Self:
        """`deployment`, `region`: another than the one of these outputs."""
        if (deployment or outputs.get("deployment")) != outputs.get("deployment"):
            outputs = {}
        name = deployment or outputs.get("deployment", NAME)
        return cls(
            deployment=name,
            region=region or outputs.get("region"),
            image_parameter=outputs.get("image_parameter", f"/{name}/image"),
            config_parameter=outputs.get("config_parameter", f"/{name}/worker"),
            session_manager=outputs.get("session_manager"),
            known=bool(outputs or deployment),
        )


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What an image has to be for one deployment."""

    names: Names
    region: str
    models: tuple[str, ...]
    """The default first, each with its style."""
    lifetime_minutes: int
    compute_type: str = "auto"

    def variables(self) -> dict[str, str]:
        """As Packer's variables."""
        return {
            "region": self.region,
            "deployment": self.names.deployment,
            "models": ",".join(self.models),
            "lifetime_minutes": str(self.lifetime_minutes),
            "session_manager": "yes" if self.names.session_manager else "no",
            "compute_type": self.compute_type,
        }

    def command(self) -> str:
        """What builds such an image."""
        return "./nox -s image -- " + " ".join(f"-var {name}={value}" for name, value in self.variables().items())

    def lacking(self, image: ImageTypeDef, tags: Mapping[str, str]) -> list[str]:
        """What is wrong with an image for this deployment, each in a few words; nothing, if it covers it."""
        held = tags.get("transcribe-models", "").split(",")
        lifetime = tags.get("transcribe-lifetime-minutes", "an unknown number of")
        found: Mapping[str, Any] = image
        wrong = [f"it does not hold {model}" for model in self.models if model not in held]
        if lifetime != str(self.lifetime_minutes):
            wrong.append(f"its machines power off after {lifetime} minutes instead of {self.lifetime_minutes}")
        if self.names.session_manager and tags.get("transcribe-session-manager") != "yes":
            wrong.append("it was built without the agent of Session Manager")
        return wrong + [
            f"its {name} is {found.get(name)} instead of {value}"
            for name, value in MACHINE.items()
            if found.get(name) != value
        ]


def outputs(folder: Path = FOLDER) -> dict[str, Any]:
    """What `terraform output` says; nothing where there is no Terraform, or where it was never begun.

    Raises:
        RefusedError: it cannot say.

    """
    if shutil.which("terraform") is None or not (folder / ".terraform").exists():
        return {}
    asked = ["terraform", f"-chdir={folder}", "output", "-json", "-no-color"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RefusedError(
            f"`terraform -chdir={folder} output` does not say which deployment this is for: {done.stderr.strip()}"
        )
    return {name: output["value"] for name, output in json.loads(done.stdout).items()}


def needs(names: Names) -> Needs:
    """What this deployment's machines are told, and so what their image has to hold.

    Raises:
        RefusedError: its settings cannot be read.

    """
    # Who only records a model by its name need not have it.
    import boto3  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        ssm = boto3.client("ssm", region_name=names.region)
        settings = json.loads(ssm.get_parameter(Name=names.config_parameter)["Parameter"]["Value"])
    except (ClientError, BotoCoreError) as error:
        raise RefusedError(
            f"The deployment's settings cannot be read from the parameter {names.config_parameter} "
            f"in {names.region or 'the region of the environment'}: {error}"
        ) from None
    return Needs(
        names=names,
        region=ssm.meta.region_name,
        models=tuple(settings["MODELS"].split(",")),
        lifetime_minutes=int(settings["MAX_LIFETIME_MINUTES"]) + LIFETIME_MARGIN_MINUTES,
        compute_type=settings.get("COMPUTE_TYPE", "auto"),
    )
