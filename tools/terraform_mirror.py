"""Configures where Terraform gets its provider: from an unpacked mirror on this machine, if any, else the registry.

`python -m tools.terraform_mirror FOLDER` writes FOLDER/terraformrc and prints its path, for `TF_CLI_CONFIG_FILE`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

PROVIDER = "registry.terraform.io/hashicorp/aws"
# Where a mirror is found: Terraform's own implied places, then folders that images and packages use.
_PLACES = (
    "~/.terraform.d/plugins",
    "~/.local/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
    "/opt/*",
    "/opt/*/*",
    "/usr/local/lib/*",
    "/var/lib/*",
    "/srv/*",
)
_MIRRORED = """\
provider_installation {{
  filesystem_mirror {{
    path    = "{mirror}"
    include = ["{provider}"]
  }}
  direct {{
    exclude = ["{provider}"]
  }}
}}
disable_checkpoint = true
"""
_DIRECT = "disable_checkpoint = true\n"


def find_mirror() -> Path | None:
    """The folder that holds `registry.terraform.io/`; `TF_PLUGIN_MIRROR` names one that lies elsewhere."""
    places = [named] if (named := os.environ.get("TF_PLUGIN_MIRROR")) else list(_PLACES)
    for place in places:
        pattern = str(Path(place).expanduser()).lstrip("/")
        for folder in sorted(Path("/").glob(pattern)):
            if os.access(folder, os.X_OK) and (folder / PROVIDER).is_dir():
                return folder
    return None


def configure(folder: Path) -> Path:
    """Write the CLI configuration into `folder` and return its path.

    A configuration that the environment already names, and that exists, is the operator's and is kept.
    """
    given = os.environ.get("TF_CLI_CONFIG_FILE")
    if given and Path(given).is_file():
        return Path(given)
    mirror = find_mirror()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "terraformrc"
    text = _MIRRORED.format(mirror=mirror.as_posix(), provider=PROVIDER) if mirror else _DIRECT
    path.write_text(text, encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{configure(Path(sys.argv[1])).resolve()}\n")
