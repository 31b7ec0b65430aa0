"""Vocabularies on the command line: from a file or standard input to the service, and back as such a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.cli.errors import Exit
from services.cli.main import app
from tests.support.gateway import Client, Gateway

LIST = "\ufeff# Personer\r\nÅsa Örjansdotter\r\n\r\n  Kommunfullmäktige\t\r\n#\n#metoo\nC#\n"
WORDS = ["Åsa Örjansdotter", "Kommunfullmäktige", "#metoo", "C#"]


@pytest.fixture(autouse=True)
def served(gateway: Gateway, alice: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with gateway.served() as url:
        monkeypatch.setenv("TRANSCRIBE_URL", url)
        monkeypatch.setenv("TRANSCRIBE_KEY", alice.api_key)
        yield


@pytest.fixture
def names(tmp_path: Path) -> Path:
    (tmp_path / "names.txt").write_bytes(LIST.encode())
    return tmp_path / "names.txt"


def ran(*arguments: object, code: Exit = Exit.DONE, typed: str | bytes | None = None) -> Result:
    words = ["vocabularies", *map(str, arguments)]
    done = CliRunner().invoke(app, words, input=typed, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def told(*arguments: object, typed: str | bytes | None = None) -> list[str]:
    return ran(*arguments, typed=typed).stdout.splitlines()


def document(*arguments: object) -> Any:
    return json.loads(ran(*arguments, "--json").stdout)


def said(result: Result) -> list[str]:
    """What a command said to people; the API logs in this process too."""
    return [line for line in result.stderr.splitlines() if not line.startswith("{")]


def refused(*arguments: object, typed: str | bytes | None = None) -> str:
    """The one sentence of a command that is refused."""
    done = ran(*arguments, code=Exit.REFUSED, typed=typed)
    (sentence,) = said(done)
    assert (done.stdout, sentence[-1] in ".)") == ("", True)
    return sentence.removeprefix("transcribe: ")


def kept(alice: Client, name: str = "council") -> Any:
    return alice.get(f"/api/vocabularies/{name}").json.get("words")


def test_a_file_becomes_a_vocabulary_without_its_comments_and_empty_lines(alice: Client, names: Path) -> None:
    assert told("add", "council", names) == ["council added, 4 words"]
    assert kept(alice) == WORDS


def test_what_is_shown_is_a_file_that_is_taken_again(alice: Client, names: Path) -> None:
    ran("add", "council", names)
    shown = ran("show", "council").stdout
    assert shown.splitlines() == WORDS
    assert told("update", "council", "-", typed=shown + "Sävar\n") == ["council updated, 5 words"]
    assert kept(alice) == [*WORDS, "Sävar"]


def test_vocabularies_are_listed_with_how_many_words_they_have(names: Path) -> None:
    none = ran("list")
    assert (none.stdout, said(none)) == ("", ["There are no vocabularies yet."])
    ran("add", "council", names)
    ran("add", "a-list", "-", typed="Umeå")
    rows = [line.split("\t") for line in told("list")]
    assert [row[:2] for row in rows] == [["a-list", "1"], ["council", "4"]]
    assert all(re.fullmatch(r"2027-01-1[456] \d\d:\d\d", row[2]) for row in rows)


def test_with_json_each_command_prints_one_document(alice: Client, names: Path) -> None:
    made = document("add", "council", names)
    assert made == alice.get("/api/vocabularies/council").json
    assert document("show", "council") == made
    assert document("update", "council", names)["words"] == WORDS
    assert document("list") == [{field: made[field] for field in ("name", "count", "updated_at")}]
    assert document("remove", "council") == {"name": "council", "removed": True}
    assert document("list") == []


def test_a_removed_vocabulary_is_gone(alice: Client, names: Path) -> None:
    ran("add", "council", names)
    assert told("remove", "council") == ["council removed"]
    assert kept(alice) is None
    assert refused("remove", "council").startswith("There is no such vocabulary, or it is not yours")
    assert refused("show", "../jobs").startswith("There is nothing at this address")


def test_a_name_that_is_taken_or_wrong_is_refused_with_what_to_do(alice: Client, names: Path) -> None:
    ran("add", "council", names)
    remedy = "`transcribe vocabularies update council FILE` replaces its words."
    assert refused("add", "council", names) == f"There is a vocabulary council already: {remedy}"
    assert refused("add", "Council", names).startswith("name: Give 1 to 40 small letters")
    assert kept(alice) == WORDS


def test_a_list_with_a_wrong_line_is_refused_before_anything_is_sent(alice: Client, names: Path) -> None:
    wrong = "Standard input, line 2: a word or a term has at most 80 characters"
    assert refused("add", "council", "-", typed="Umeå\nx\tx\n").startswith(wrong)
    ran("add", "council", names)
    assert refused("update", "council", "-", typed="Umeå\nx\tx\n").startswith(wrong)
    assert kept(alice) == WORDS
