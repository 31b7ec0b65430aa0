"""The bill of materials of a machine, as a CycloneDX document.

`python -m services.gpu_worker.image.bill_of_materials --models FOLDER` writes it.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from services.gpu_worker.engine.decode.catalogue import SPEAKERS, SPEAKERS_LICENCES
from services.gpu_worker.engine.decode.model_files import DIGESTS, ModelRecord, relative

_DPKG = ("dpkg-query", "--show", "--showformat=${Package}\t${Version}\t${Architecture}\n")


def document(
    *, debian: list[dict[str, str]], python: list[dict[str, str]], models: list[dict[str, Any]]
) -> dict[str, Any]:
    """The document, in CycloneDX 1.5, with the components as the functions below give them."""
    interpreter = {"type": "application", "name": "cpython", "version": platform.python_version()}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "operating-system", "name": "transcription-worker-image"}},
        "components": [interpreter, *python, *debian, *models],
    }


def python_packages() -> list[dict[str, str]]:
    """The Python packages of the worker's environment."""
    found = {distribution.name: distribution.version for distribution in distributions()}
    return [
        {"type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{name.lower()}@{version}"}
        for name, version in sorted(found.items())
    ]


def debian_packages(text: str) -> list[dict[str, str]]:
    """The Debian packages in dpkg-query's lines; the kernel and NVIDIA's driver are among them."""
    rows = [line.split("\t") for line in text.splitlines()]
    return [
        {"type": "library", "name": name, "version": version, "purl": f"pkg:deb/{name}@{version}?arch={arch}"}
        for name, version, arch in rows
    ]


def models(folder: Path) -> list[dict[str, Any]]:
    """The models below a folder, each with its revision and the digests of its files."""
    found: list[dict[str, Any]] = []
    for record in sorted(folder.rglob(DIGESTS)):
        told = json.loads(record.read_text("utf-8"))
        if record.parent == folder / relative(SPEAKERS):
            found += _speakers(told)
            continue
        hashes = [{"alg": "SHA-256", "content": digest} for digest in told["sha256"].values()]
        name = record.parent.parent.name.replace("--", "/")
        found.append({"type": "machine-learning-model", "name": name, "version": told["revision"], "hashes": hashes})
    return found


def _speakers(record: ModelRecord) -> list[dict[str, Any]]:
    """The two models that tell speakers apart, each with its licence, whose text lies beside it."""
    return [
        {
            "type": "machine-learning-model",
            "name": name,
            "version": record["revision"],
            "hashes": [{"alg": "SHA-256", "content": record["sha256"][file]}],
            "licenses": [{"license": {"id": licence}}],
        }
        for file, (name, licence) in SPEAKERS_LICENCES.items()
    ]


def main() -> None:
    """Write the bill of materials of this machine to standard output."""
    parser = argparse.ArgumentParser(prog="bill_of_materials", description=main.__doc__)
    parser.add_argument("--models", type=Path, required=True)
    chosen = parser.parse_args()
    dpkg = subprocess.run(_DPKG, capture_output=True, text=True, check=True).stdout  # noqa: S603 - a constant
    made = document(debian=debian_packages(dpkg), python=python_packages(), models=models(chosen.models))
    json.dump(made, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
