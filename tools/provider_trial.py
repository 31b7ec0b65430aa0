"""Tries Terraform's files with a newer provider than `versions.tf` requires.

`python -m tools.provider_trial [6]` validates a copy of root and examples with the newest provider, or the newest of
that major version, and runs Terraform's tests. It fails if anything is deprecated.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.terraform_mirror import PROVIDER, configure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TERRAFORM = Path(__file__).parents[1] / "terraform"
FOLDERS = (".", "examples/minimal", "examples/complete")
KNOWN = ("modules/jobs_table/main.tf",)
"""Files in which a newer provider's warning is expected; each says why."""
_RANGE = re.compile(r'(source += "hashicorp/aws"\n\s+version += )"~> ([\d.]+)"')


def lifted(text: str, major: str | None) -> str:
    """The text of a `versions.tf`, changed to allow any provider from the tested one on, or any of a major version.

    Raises:
        ValueError: it does not require AWS's provider by `~>`.

    """
    changed, times = _RANGE.subn(rf'\1"~> {major}.0"' if major else r'\1">= \2"', text)
    if times != 1:
        raise ValueError("The file does not ask for hashicorp/aws by `~>`.")
    return changed


def told(diagnostics: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The problems that have to be fixed, a line for each; `diagnostics`: of `terraform validate -json`."""
    for diagnostic in diagnostics:
        place = diagnostic.get("range", {}).get("filename", "")
        if diagnostic["severity"] == "error" or not place.endswith(KNOWN):
            yield f"{diagnostic['severity']}: {place}: {diagnostic['summary']}. {diagnostic.get('detail', '')}"


def main(major: str | None) -> int:
    """Run the trial; the exit status is 0 if nothing has to be fixed. `major`: a major version, or None."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "terraform"
        ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*")
        shutil.copytree(TERRAFORM, copy, ignore=ignored)
        # The configuration reads the models' lock, which lies outside of its folder.
        (Path(temporary) / "packer").mkdir()
        shutil.copy(TERRAFORM.parent / "packer" / "models.lock.json", Path(temporary) / "packer")
        for path in copy.rglob("versions.tf"):
            path.write_text(lifted(path.read_text(encoding="utf-8"), major), encoding="utf-8")
        os.environ["TF_CLI_CONFIG_FILE"] = str(configure(Path(temporary)))
        found = [line for folder in FOLDERS for line in _validated(copy / folder)]
        sys.stdout.write("".join(f"{line}\n" for line in found))
        tested = subprocess.run(["terraform", f"-chdir={copy}", "test"], check=False)
    return 1 if found else tested.returncode


def _validated(folder: Path) -> list[str]:
    at = f"-chdir={folder}"
    subprocess.run(
        ["terraform", at, "init", "-backend=false", "-input=false", "-upgrade"], check=True, stdout=subprocess.DEVNULL
    )
    chosen = json.loads(_output(at, "version", "-json"))["provider_selections"][PROVIDER]
    sys.stdout.write(f"{folder.name}: provider {chosen}\n")
    return list(told(json.loads(_output(at, "validate", "-json"))["diagnostics"]))


def _output(*arguments: str) -> str:
    return subprocess.run(["terraform", *arguments], check=False, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else None))
