"""The project's documents, and what they name: files, tests, modules, links, and words that may be events of the log.

The changelog is left out: what it names was there when it was written.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "examples", "packer", "requirements", "services", "terraform", "tests", "tools")
_MADE = {"node_modules", "__pycache__", ".terraform"}
"""Folders that tools make inside of ours."""

_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FUNCTION = re.compile(r"^ *def (test_\w+)\(", re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH = re.compile(rf"(?<![\w./-])(?:(?:{'|'.join(FOLDERS)})/[\w./-]*|[\w./-]*\w\.py\b)")
_MODULE = re.compile(r"\b(?:services|tests|tools)(?:\.\w+)+")
_TEST = re.compile(r"(?:(tests/[\w/]+\.py)::)?(?<![\w/])(test_\w+\b(?!\.py)…?)")


@cache
def files() -> tuple[Path, ...]:
    """Every file of the project's folders and its root, relative to the root."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    inside = [path.relative_to(ROOT) for path in (*found, *ROOT.iterdir()) if path.is_file()]
    return tuple(path for path in inside if not _MADE & set(path.parts))


@cache
def tails() -> frozenset[str]:
    """Every way to name a file or folder by the end of its path: `a/b/c.py`, `b/c.py`, `c.py`, `b/c`, `a/b`, `b`."""
    whole = {place.parts for path in files() for place in (path, path.with_suffix(""), *path.parents)}
    return frozenset("/".join(parts[start:]) for parts in whole for start in range(len(parts)))


@cache
def suffixes() -> frozenset[str]:
    """The suffixes of the project's files, by which `clock.py` is told from an event of the log."""
    return frozenset(path.suffix for path in files() if path.suffix)


def documents() -> list[str]:
    """Every document, relative to the root."""
    return sorted(str(path) for path in files() if path.suffix == ".md" and path.name != "CHANGELOG.md")


def text_of(document: str) -> str:
    """A document's text, by its path from the root."""
    return (ROOT / document).read_text(encoding="utf-8")


def shell_blocks(document: str) -> list[str]:
    """A document's blocks of shell, in their order."""
    return _SHELL.findall(text_of(document))


def code_spans(text: str) -> list[str]:
    """The text in backticks in sentences and tables; blocks of code are left out."""
    return _CODE.findall(_FENCED.sub("", text))


def links(text: str) -> list[str]:
    """Targets of the links that stay within the project."""
    return [target for target in _LINK.findall(text) if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> set[str]:
    """What a link may name behind `#`: GitHub makes it of each heading."""
    headings = _HEADING.findall(_FENCED.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def paths(text: str) -> set[str]:
    """Files and folders that are named: from the root, or a Python file by the end of its path."""
    return {found.rstrip("/.") for span in code_spans(text) for found in _PATH.findall(span)}


def modules(text: str) -> set[str]:
    """Python's modules that are named, those in commands too."""
    return set(_MODULE.findall(text))


def tests(text: str) -> set[tuple[str, str]]:
    """Named tests as (file or "", name); `test_a_machine…` stands for all that begin so."""
    return {found for span in code_spans(text) for found in _TEST.findall(span)}


@cache
def test_functions() -> frozenset[tuple[str, str]]:
    """All test functions as (file, name)."""
    sources = [path for path in files() if path.parts[0] == "tests" and path.suffix == ".py"]
    return frozenset((str(path), name) for path in sources for name in _FUNCTION.findall(text_of(str(path))))
