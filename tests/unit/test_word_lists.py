"""Word lists: which lines of a file are words, and what is said of a file that is no word list."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli.client.word_lists import MOST_BYTES, read
from services.cli.errors import RefusedError


def written(folder: Path, content: str | bytes) -> str:
    file = folder / "list.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("Umeå\nSävar\n", ["Umeå", "Sävar"]),
        ("Umeå\r\nSävar", ["Umeå", "Sävar"]),
        ("\ufeffUmeå", ["Umeå"]),
        ("  Åsa Örjansdotter\t\n\n\n \n", ["Åsa Örjansdotter"]),
        ("# Orter\n#\n # Byar\nUmeå\n", ["Umeå"]),
        ("#metoo\nC#\n##\n", ["#metoo", "C#", "##"]),
        ("x" * 80, ["x" * 80]),
    ],
    ids=["lines", "Windows", "byte order mark", "spaces", "comments", "hash signs", "longest"],
)
def test_each_line_is_a_word_or_a_term_but_for_comments_and_empty_ones(
    tmp_path: Path, content: str, words: list[str]
) -> None:
    assert read(written(tmp_path, content)) == words


def test_a_word_that_stands_there_twice_keeps_its_first_place_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read(written(tmp_path, "Umeå\nSävar\n Umeå\nUmeå\n")) == ["Umeå", "Sävar"]
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.endswith("list.txt: words that stand there twice are sent once (2 left out).\n")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "holds no words: write one word or one term on each line."),
        (b"# nothing\n \n", "holds no words: write one word or one term on each line."),
        ("Umeå".encode("latin-1"), "is not text in UTF-8: save it in that encoding."),
        (b"a\n\x00\n", "line 2: a word or a term has at most 80 characters, without control characters"),
        (b"a\nb\tc\n", "line 2: a word or a term has at most 80 characters, without control characters"),
        (b"a\n\n" + b"x" * 81, "line 3: a word or a term has at most 80 characters"),
        (b"".join(b"%d\n" % number for number in range(1_001)), "holds 1,001 words of 2,894 bytes together"),
        (b"".join(b"%065d\n" % number for number in range(1_000)), "holds 1,000 words of 65,000 bytes together"),
        (b"# " + b"x" * MOST_BYTES, "has more than 1,000,000 bytes, so it is no word list."),
    ],
    ids=["empty", "comments", "encoding", "binary", "tab", "long", "many words", "many bytes", "huge"],
)
def test_what_is_no_word_list_is_refused_in_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    file = written(tmp_path, content)
    with pytest.raises(RefusedError) as refused:
        read(file)
    assert str(refused.value).startswith(file)
    assert sentence in str(refused.value)


def test_a_name_that_would_move_a_terminals_cursor_is_not_shown_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="\N{REPLACEMENT CHARACTER}") as refused:
        read(str(tmp_path / "\x1b[2J"))
    assert "\x1b" not in str(refused.value)
