"""The trial of a newer provider lifts the range everywhere, and passes over nothing that has to be mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.provider_trial import KNOWN, TERRAFORM, lifted, told

VERSIONS = sorted(path for path in TERRAFORM.rglob("versions.tf") if ".terraform" not in path.parts)


def test_one_range_of_the_provider_is_asked_for_everywhere() -> None:
    asked = {path.read_text(encoding="utf-8") for path in VERSIONS}
    assert len(asked) == 1
    assert 'version = "~> 5.100"' in asked.pop(), "what was tested, here and in every proof"


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.parent.name)
def test_the_range_is_lifted_to_whatever_is_newest_or_to_one_major_version(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert lifted(text, None) == text.replace("~> 5.100", ">= 5.100")
    assert lifted(text, "6") == text.replace("~> 5.100", "~> 6.0")


def test_a_range_that_cannot_be_lifted_is_an_error() -> None:
    with pytest.raises(ValueError, match="hashicorp/aws"):
        lifted('version = ">= 6"', None)


def test_warnings_fail_but_for_the_known_ones_and_errors_always_do() -> None:
    known = {"range": {"filename": f"../../{KNOWN[0]}"}, "summary": "Argument is deprecated"}
    other = {"range": {"filename": "modules/api/main.tf"}, "summary": "Argument is deprecated"}
    nowhere = {"summary": "Version constraints inside provider blocks are deprecated"}
    lines = list(
        told(
            [
                {"severity": "warning", **known},
                {"severity": "error", **known},
                {"severity": "warning", **other},
                {"severity": "warning", **nowhere},
            ]
        )
    )
    assert [line.split(":")[0] for line in lines] == ["error", "warning", "warning"]


def test_a_known_warning_is_explained_where_it_comes_from() -> None:
    for name in KNOWN:
        assert "tools/provider_trial.py" in (TERRAFORM / name).read_text(encoding="utf-8")
