"""Writes the tables of inputs and outputs in the READMEs of Terraform modules: `python -m tools.module_tables`.

A test checks that they are what it would write.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hcl2

ROOT = Path(__file__).parents[1] / "terraform"
_BEGIN, _END = "<!-- tables -->", "<!-- /tables -->"


def readmes() -> list[Path]:
    """The READMEs of the root and of each module."""
    return [ROOT / "README.md", *sorted(ROOT.glob("modules/*/README.md"))]


def with_tables(readme: Path) -> str:
    """A README's text with the tables between its markers, made from the folder's variables and outputs.

    Raises:
        ValueError: the README has no markers.

    """
    before, _, rest = readme.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"{readme} has no {_BEGIN} … {_END}")
    return f"{before}{_BEGIN}\n{_tables(readme.parent)}{_END}{after}"


def _tables(folder: Path) -> str:
    lines = ["## Inputs", "", "| name | type | default | what it is |", "|---|---|---|---|"]
    for name, block in _blocks(folder / "variables.tf", "variable"):
        default = f"`{json.dumps(_plain(block['default']))}`" if "default" in block else "needed"
        lines.append(f"| `{name}` | `{_type(block['type'])}` | {default} | {_plain(block['description'])} |")
    lines += ["", "## Outputs", "", "| name | what it is |", "|---|---|"]
    for name, block in _blocks(folder / "outputs.tf", "output"):
        lines.append(f"| `{name}` | {_plain(block['description'])} |")
    return "\n".join(lines) + "\n"


def _blocks(path: Path, kind: str) -> list[tuple[str, dict[str, Any]]]:
    with path.open(encoding="utf-8") as file:
        parsed: dict[str, Any] = hcl2.load(file)
    return [(_plain(name), block) for entry in parsed[kind] for name, block in entry.items() if name[:2] != "__"]


def _type(written: str) -> str:
    return str(written).removeprefix("${").removesuffix("}")


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value that HCL can hold
    """A value without the quotation marks that the parser keeps."""
    if isinstance(value, str):
        return json.loads(value) if value[:1] == '"' else value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


if __name__ == "__main__":
    for path in readmes():
        path.write_text(with_tables(path), encoding="utf-8")
