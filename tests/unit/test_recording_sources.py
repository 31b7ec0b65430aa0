"""What the words of a command line name, and what is refused before anything is sent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.cli.errors import RefusedError, UsageError
from services.cli.recordings.input.sources import Source, find


class _Input:
    """Standard input that is a terminal, or is none."""

    def __init__(self, *, terminal: bool) -> None:
        self.isatty = lambda: terminal


def recording(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"sound")
    return path


def refused(*words: str, recursive: bool = False) -> str:
    with pytest.raises(RefusedError) as caught:
        find(words, recursive=recursive)
    return str(caught.value)


def misused(*words: str, commands: tuple[str, ...] = ("jobs", "show")) -> str:
    with pytest.raises(UsageError) as caught:
        find(words, commands=commands)
    return str(caught.value)


def names(found: list[Source]) -> list[str]:
    return [source.file_name for source in found]


def test_a_file_keeps_its_word_its_name_and_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording(tmp_path / "möte.m4a")
    monkeypatch.chdir(tmp_path)
    assert find(["./möte.m4a"]) == [Source(word="möte.m4a", file_name="möte.m4a", beside=Path("möte.m4a"))]


def test_the_same_recording_counts_once_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = recording(tmp_path / "one.mp3")
    (tmp_path / "other.mp3").symlink_to(one)
    monkeypatch.chdir(tmp_path)
    address = "https://example.com/a.mp3"
    found = find(["one.mp3", str(one), "other.mp3", str(tmp_path), address, address])
    assert names(found) == ["one.mp3", "a.mp3"]


def test_a_folder_gives_its_recordings_in_order_and_none_that_are_hidden(tmp_path: Path) -> None:
    for name in ("b.MP3", "a.wav", "notes.txt", ".hidden.mp3", "below/c.ogg", ".trash/d.ogg"):
        recording(tmp_path / name)
    (tmp_path / "folder.mp3").mkdir()
    assert names(find([str(tmp_path)])) == ["a.wav", "b.MP3"]
    assert names(find([str(tmp_path)], recursive=True)) == ["a.wav", "b.MP3", "c.ogg"]


def test_a_folder_that_lies_in_itself_has_an_end(tmp_path: Path) -> None:
    recording(tmp_path / "a.mp3")
    (tmp_path / "again").symlink_to(tmp_path)
    assert names(find([str(tmp_path)], recursive=True)) == ["a.mp3"]


def test_a_folder_without_recordings_is_refused_with_what_was_looked_for(tmp_path: Path) -> None:
    recording(tmp_path / "below" / "a.mp3")
    told = refused(str(tmp_path))
    assert ".mp3" in told
    assert "with -r" in told
    (tmp_path / "below" / "a.mp3").unlink()
    assert "with -r" not in refused(str(tmp_path), recursive=True)


def test_an_empty_file_is_refused_but_in_a_folder_keeps_no_other_from_being_sent(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").touch()
    recording(tmp_path / "b.mp3")
    assert refused(str(tmp_path / "a.mp3")).endswith("a.mp3 is empty: there is nothing to transcribe.")
    empty, other = find([str(tmp_path)])
    assert (empty.refused, other.refused) == ("is empty: there is nothing to transcribe.", None)


def test_a_file_or_a_folder_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = recording(tmp_path / "a.mp3")
    # Whoever runs the tests may be allowed everything.
    monkeypatch.setattr(os, "access", lambda path, _: path != one)
    assert "a.mp3 cannot be read" in refused(str(one))

    def iterdir(path: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert f"{tmp_path} cannot be read" in refused(str(tmp_path))


def test_a_word_that_is_no_file_may_mean_a_command() -> None:
    assert misused("jbos") == "There is no file or command jbos: did you mean the command `jobs`?"
    assert misused("jobs") == "There is no file jobs: a command comes before its options, `transcribe jobs …`."


def test_a_file_that_is_missing_is_refused_as_one_that_cannot_be_read() -> None:
    assert refused("interview.mp3") == "There is no file or command interview.mp3: see `transcribe --help`."
    assert refused("no/such.mp3").endswith("check the path.")
    assert refused("x" * 300).endswith("see `transcribe --help`.")


def test_what_is_no_file_is_to_be_piped() -> None:
    assert "pipe what comes out of it to `-`" in misused("/dev/null")


def test_a_name_of_another_encoding_is_text_and_is_shown(tmp_path: Path) -> None:
    name = os.fsdecode(b"m\xf6te.mp3")
    recording(tmp_path / name)
    assert names(find([str(tmp_path / name)])) == ["m\ufffdte.mp3"]
    assert "m\ufffdte\x1b".replace("\x1b", "\ufffd") in refused(f"{name[:-4]}\x1b")


@pytest.mark.parametrize(
    ("address", "word", "name"),
    [
        ("https://example.com/a/m%C3%B6te.mp3", "https://example.com/a/m%C3%B6te.mp3", "möte.mp3"),
        ("HTTPS://me:secret@Example.com:8443/a.mp3?token=secret#t", "https://example.com:8443/a.mp3", "a.mp3"),
        ("http://[::1]:80/a.mp3;v=1", "http://[::1]:80/a.mp3;v=1", "a.mp3;v=1"),
        ("https://example.com/?token=secret", "https://example.com/", "example.com"),
        ("https://example.com/%1b%5B2J.mp3", "https://example.com/%1b%5B2J.mp3", "\ufffd[2J.mp3"),
    ],
)
def test_of_an_address_nothing_secret_is_in_word_name_or_printing(address: str, word: str, name: str) -> None:
    (source,) = find([address])
    assert (source.word, source.file_name, source.beside, source.url) == (word, name, None, address)
    assert "secret" not in repr(source)


def test_a_name_from_an_address_is_not_longer_than_the_api_takes() -> None:
    (source,) = find([f"https://example.com/{'å' * 2_000}.mp3"])
    assert source.file_name == f"{'å' * 251}.mp3"


@pytest.mark.parametrize(
    "address",
    [
        "ftp://me:secret@example.com/a.mp3",
        "file:///secret@/etc/passwd",
        "https:///a.mp3?secret",
        "https://secret@:80/a.mp3",
        "https://example.com:secret/",
        "https://secret@[::1/",
    ],
)
def test_an_address_that_cannot_be_fetched_is_a_wrong_use_and_its_secrets_are_not_told(address: str) -> None:
    assert "secret@" not in misused(address).replace("file:///secret@", "")
    assert "?secret" not in misused(address)


def test_standard_input_is_taken_once_and_from_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", _Input(terminal=False))
    assert find(["-"]) == [Source(word="-", file_name="standard-input")]
    assert misused("-", "-") == "There is one standard input: give `-` once."
    monkeypatch.setattr("sys.stdin", _Input(terminal=True))
    assert "is a terminal" in misused("-")
