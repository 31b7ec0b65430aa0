"""The deployment that images are built for: its names from `terraform output`, and its settings from the parameter that
its machines read.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from mypy_boto3_ec2.type_defs import ImageTypeDef

NAME, MODELS = "transcription", ("KBLab/kb-whisper-small",)
"""The defaults, as in terraform/variables.tf and packer/variables.pkr.hcl."""
FOLDER = Path("terraform")
LIFETIME_MARGIN_MINUTES = 15
"""How long after its lifetime a machine is powered off that has not left (terraform/modules/gpu_worker/main.tf)."""
MACHINE = {"Architecture": "x86_64", "RootDeviceName": "/dev/sda1"}
"""The kind of machine that the launch template and the worker's packages are for."""


class RefusedError(Exception):
    """A command refuses to go on; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names of a deployment's resources: those of `terraform output`, else the defaults."""

    deployment: str = NAME
    region: str | None = None
    """None: the region that the environment names."""
    image_parameter: str
    config_parameter: str
    session_manager: bool | None = None
    """Whether machines need the agent of Session Manager; None: that is not known."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """The tags that an account may demand of whatever is launched; empty if they are not known."""
    known: bool = False
    """Whether the deployment exists here: Terraform has created it from this folder, or a person named it."""

    @classmethod
    def of(cls, outputs: Mapping[str, Any], deployment: str | None = None, region: str | None = None) -> Self:
        """The names in Terraform's outputs; `deployment` and `region` replace those of the outputs, if given."""
        if (deployment or outputs.get("deployment")) != outputs.get("deployment"):
            outputs = {}
        name = deployment or outputs.get("deployment", NAME)
        return cls(
            deployment=name,
            region=region or outputs.get("region"),
            image_parameter=outputs.get("image_parameter", f"/{name}/image"),
            config_parameter=outputs.get("config_parameter", f"/{name}/worker"),
            session_manager=outputs.get("session_manager"),
            tags=outputs.get("tags", {}),
            known=bool(outputs or deployment),
        )


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What an image for one deployment has to hold."""

    names: Names
    region: str
    models: tuple[str, ...]
    """`name` or `name@style` of each model, the default one first."""
    lifetime_minutes: int
    compute_type: str = "auto"

    def variables(self) -> dict[str, str]:
        """The needs as Packer's variables."""
        tags = {"tags": json.dumps(dict(self.names.tags), ensure_ascii=False)} if self.names.tags else {}
        return {
            "region": self.region,
            "deployment": self.names.deployment,
            "models": ",".join(self.models),
            "lifetime_minutes": str(self.lifetime_minutes),
            "session_manager": "yes" if self.names.session_manager else "no",
            "compute_type": self.compute_type,
            **tags,
        }

    def command(self) -> str:
        """The command that builds such an image."""
        return "./nox -s image -- " + " ".join(
            f"-var {shlex.quote(f'{name}={value}')}" for name, value in self.variables().items()
        )

    def lacking(self, image: ImageTypeDef, tags: Mapping[str, str]) -> list[str]:
        """What an image lacks for this deployment, each in a few words; empty if it can be used."""
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
    """The values of `terraform output`; empty without Terraform, or where it was never initialised.

    Raises:
        RefusedError: the command failed.

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
    """What the image has to hold for this deployment, by the settings that its machines read.

    Raises:
        RefusedError: the settings cannot be read.

    """
    # To record a model by its name, boto3 need not be installed.
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
