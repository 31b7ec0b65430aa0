"""The page's files: what others wrote is as it was published, the whole is small, and both languages say everything."""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from services.api import page_files

VENDOR = page_files.FOLDER / "vendor"
LICENSES = "LICENSES.md"
ROW = re.compile(
    r"^\| `(?P<file>[^`]+)` \| \[(?P<package>[^\]]+)\].*\| (?P<licence>[\w.-]+) \| `(?P<digest>[0-9a-f]{64})` \|$"
)
MOST_BYTES = 250_000
MOST_AT_ONCE = 10
"""Functions that a new AWS account may run at the same moment. Each file is a request to one."""
IMPORTED = re.compile(r"""(?:\bfrom|\bimport) ?["'](\.[^"']+)["']""")
LOADED_LATE = re.compile(r"""\bimport\(["'](\.[^"']+)["']\)""")
TEXT = re.compile(r'"((?:[a-z_]+\.)[\w.]+)":\s+"((?:[^"\\]|\\.)*)"')
ASKED = re.compile(r'(?<![\w.])t\("([^"]+)"')
MODULES = sorted(path for path in page_files._contents() if path.endswith(".js") and not path.startswith("vendor/"))


def source(path: str) -> str:
    """Without its long comments, in which types are named as if they were imported."""
    return re.sub(r"/\*\*.*?\*/", "", page_files._contents()[path].decode(), flags=re.DOTALL)


def texts(path: str) -> dict[str, dict[str, str]]:
    """The texts that a module adds, by language and key."""
    found: dict[str, dict[str, str]] = {"en": {}, "sv": {}}
    for language, block in re.findall(r"\b(en|sv): \{(.*?)\}(?=,\n|, sv|,? ?\}\))", source(path), re.DOTALL):
        found[language] |= dict(TEXT.findall(block))
    return found


ALL = {key for path in MODULES for key in texts(path)["en"]}


def test_every_file_of_others_is_listed_with_its_licence_and_is_as_it_was_published() -> None:
    text = (VENDOR / LICENSES).read_text(encoding="utf-8")
    rows = [row for row in map(ROW.match, text.splitlines()) if row]
    lying = {path.relative_to(VENDOR).as_posix(): path for path in VENDOR.rglob("*") if path.is_file()}
    lying.pop(LICENSES)
    assert {row["file"]: row["digest"] for row in rows} == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in lying.items()
    }
    assert {row["licence"] for row in rows} <= {"MIT", "BSD-3-Clause", "0BSD"}
    assert all(re.search(r"@\d+\.\d+\.\d+$", row["package"]) for row in rows)


def test_the_page_and_its_libraries_have_at_most_250_kb_compressed() -> None:
    assert sum(len(gzip.compress(content)) for content in page_files._contents().values()) <= MOST_BYTES


def steps(first: Iterable[str]) -> Iterator[set[str]]:
    """What a browser asks for at the same moment: first these files, then what they import, and so on."""
    known, wanted = set[str](), set(first)
    while wanted:
        yield wanted
        known |= wanted
        found = {
            posixpath.normpath(posixpath.join(posixpath.dirname(path), relative))
            for path in wanted
            for relative in IMPORTED.findall(source(path))
        }
        wanted = found - known


def test_a_browser_asks_for_few_files_at_the_same_moment_and_gets_those_of_a_view_before_it_imports_them() -> None:
    began = steps(re.findall(r'"page/\{version\}/([^"]+)"', source("index.html")))
    assert [step for step in began if len(step) > MOST_AT_ONCE] == []
    late = {path: LOADED_LATE.findall(source(path)) for path in MODULES}
    assert {path for path, found in late.items() if found} == {"main.js"}
    for view in late["main.js"]:
        folder, _, name = view.removeprefix("./").partition("/")
        assert f'await brought("{folder}/");\n  const view = await import("./{folder}/{name}");' in source("main.js")


@pytest.mark.parametrize("path", [path for path in MODULES if texts(path)["en"]])
def test_both_languages_say_the_same_with_the_same_values(path: str) -> None:
    english, swedish = texts(path)["en"], texts(path)["sv"]
    assert english.keys() == swedish.keys()
    for key, text in english.items():
        # A text for one leaves the number out where the language's word for one says it.
        values = [Counter(re.findall(r"\{\w+\}", one)) for one in (text, swedish[key])]
        assert values[0] == values[1], key


@pytest.mark.parametrize("path", MODULES)
def test_every_text_that_is_asked_for_by_its_name_is_there(path: str) -> None:
    plural = {key.removesuffix(".other") for key in ALL if key.endswith(".other")}
    assert set(ASKED.findall(source(path))) <= ALL | plural


@pytest.mark.parametrize("path", MODULES)
def test_no_module_makes_markup_of_text_or_reaches_for_what_the_policy_forbids(path: str) -> None:
    assert (
        re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|unsafeHTML|document\.write|eval\(|new Function", source(path)
        )
        == []
    )
    assert re.findall(r'\sstyle="|\son\w+="', source(path)) == []
