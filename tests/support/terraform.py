"""Terraform against the emulator: the real program and the real provider, on a copy of `terraform/`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from services.local.resources import REGION
from tools.terraform_mirror import configure

ROOT = Path(__file__).parents[2]
NO_CHANGES, CHANGES = 0, 2
"""What `plan -detailed-exitcode` answers."""
OVERRIDE = """\
provider "aws" {
  # Buckets have no host names of their own, and no account answers for the credentials.
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  # An answer of 500 would otherwise be asked for again for ten minutes.
  max_retries = 2
}
"""


class Terraform:
    """One copy of the configuration with its own state, to be initialised and applied as the guide says."""

    def __init__(self, folder: Path, endpoint: str, variables: dict[str, Any]) -> None:
        assert shutil.which("terraform"), "these tests run Terraform >= 1.10: put it on PATH (https://terraform.io)"
        self.folder = folder / "terraform"
        ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars", "tests")
        shutil.copytree(ROOT / "terraform", self.folder, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", folder)
        (folder / "packer").mkdir()
        shutil.copy(ROOT / "packer" / "models.lock.json", folder / "packer")
        (self.folder / "emulator_override.tf").write_text(OVERRIDE)
        self.set(variables)
        self.environment = os.environ | {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "operator",
            "AWS_SECRET_ACCESS_KEY": "operator",
            "AWS_DEFAULT_REGION": REGION,
            "TF_CLI_CONFIG_FILE": str(configure(folder)),
            "TF_IN_AUTOMATION": "1",
        }

    def set(self, variables: dict[str, Any]) -> None:
        """What an operator writes into `terraform.tfvars`, in place of what was there."""
        (self.folder / "test.auto.tfvars.json").write_text(json.dumps(variables))

    def apply(self, **variables: Any) -> None:
        self.run("apply", "-auto-approve", *self._given(variables))

    def plan(self, *options: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """`returncode` is NO_CHANGES or CHANGES where planning succeeded; `options`: more of Terraform's own."""
        return self.run("plan", "-detailed-exitcode", *options, *self._given(variables), check=False)

    def example(self, name: str) -> Path:
        """The folder of `examples/<name>`, ready to be planned."""
        folder = self.folder / "examples" / name
        self.run("init", "-input=false", folder=folder)
        return folder

    def destroy(self, **variables: Any) -> subprocess.CompletedProcess[str]:
        return self.run("destroy", "-auto-approve", *self._given(variables), check=False)

    def outputs(self) -> dict[str, Any]:
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json").stdout).items()}

    def resources(self, folder: Path | None = None) -> list[dict[str, Any]]:
        """Every resource in the state: `type`, `name`, `values` and the rest as `show -json` gives them."""
        root = json.loads(self.run("show", "-json", folder=folder).stdout).get("values", {}).get("root_module", {})
        found: list[dict[str, Any]] = []
        modules = [root]
        while modules:
            module = modules.pop()
            found += [entry for entry in module.get("resources", []) if entry["mode"] == "managed"]
            modules += module.get("child_modules", [])
        return found

    def run(
        self, command: str, *arguments: str, check: bool = True, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Raises AssertionError with what Terraform said, if it failed and `check` is set."""
        done = subprocess.run(
            ["terraform", f"-chdir={folder or self.folder}", command, "-no-color", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or not check, f"terraform {command}:\n{done.stdout[-4000:]}\n{done.stderr}"
        return done

    @staticmethod
    def _given(variables: dict[str, Any]) -> list[str]:
        given = [f"-var={name}={json.dumps(value)}" for name, value in variables.items()]
        return ["-input=false", *given]
