"""What others wrote of the page is as they published it, and the whole page is small."""

from __future__ import annotations

import gzip
import hashlib
import re

from services.api import page_files

VENDOR = page_files.FOLDER / "vendor"
LICENSES = "LICENSES.md"
ROW = re.compile(
    r"^\| `(?P<file>[^`]+)` \| \[(?P<package>[^\]]+)\].*\| (?P<licence>[\w.-]+) \| `(?P<digest>[0-9a-f]{64})` \|$"
)
MOST_BYTES = 250_000


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
