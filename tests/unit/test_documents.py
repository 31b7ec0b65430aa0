"""What a document names is there: files, tests, modules, and the places that links lead to."""

from __future__ import annotations

import re

import pytest

from tests.support import documents
from tests.support.documents import ROOT, text_of

DOCUMENTS = documents.documents()
NAMING = {".hcl", ".mjs", ".py", ".service", ".sh", ".tf", ".timer"}
"""Endings of files whose comments and messages send people to a document."""


def broken_links(document: str, text: str) -> list[str]:
    """Links of a text that would stand where the document does."""
    return [target for target in documents.links(text) if not _leads_somewhere(document, target)]


def _leads_somewhere(document: str, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (ROOT / document).parent / path if path else ROOT / document
    return file.exists() and (not anchor or anchor in documents.anchors(file.read_text(encoding="utf-8")))


def missing(text: str) -> set[str]:
    """Paths, modules and tests that a text names and that are not there."""
    modules = {name for name in documents.modules(text) if name.replace(".", "/") not in documents.tails()}
    tests = {f"{file}::{name}" for file, name in documents.tests(text) if not _is_test(file, name)}
    return (documents.paths(text) - documents.tails()) | modules | tests


def _is_test(file: str, name: str) -> bool:
    known = {test for where, test in documents.test_functions() if file in {"", where}}
    return any(test.startswith(name[:-1]) for test in known) if name.endswith("…") else name in known


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_to_a_file_and_a_heading(document: str) -> None:
    assert broken_links(document, text_of(document)) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_module_and_test_that_a_document_names_exists(document: str) -> None:
    assert missing(text_of(document)) == set()


def test_every_document_that_code_names_exists() -> None:
    named = {
        (str(path), found)
        for path in documents.files()
        if path.suffix in NAMING
        for found in re.findall(r"\bdocs/[\w/-]+\.md\b", text_of(str(path)))
    }
    assert {(path, found) for path, found in named if not (ROOT / found).is_file()} == set()


def test_every_document_is_in_the_index() -> None:
    index = {target.partition("#")[0] for target in documents.links(text_of("docs/README.md"))}
    inside = {name.removeprefix("docs/") for name in DOCUMENTS if name.startswith("docs/")}
    assert inside - index == {"README.md"}
    assert "docs/README.md" in documents.links(text_of("README.md"))


@pytest.mark.parametrize(
    "wrong",
    [
        "`services/common/nothing.py`",
        "`tests/unit/test_nothing.py`",
        "`nothing.py`",
        "`packer/nothing/`",
        "`python -m tools.nothing`",
        "`test_nothing`",
        "`tests/unit/test_prices.py::test_every_path_module_and_test_that_a_document_names_exists`",
        "`test_nothing_at_all…[one]`",
    ],
)
def test_a_name_of_what_is_not_there_is_found(wrong: str) -> None:
    assert missing(f"| a row | {wrong} |")


@pytest.mark.parametrize("wrong", ["nothing.md", "deploy.md#nothing", "#nothing", "../nothing/"])
def test_a_link_that_leads_nowhere_is_found(wrong: str) -> None:
    assert broken_links("docs/deploy.md", f"See [there]({wrong}).") == [wrong]
