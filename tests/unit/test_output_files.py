"""The names of the files that texts are written to, and their writing."""

from __future__ import annotations

import errno
import os
from datetime import datetime
from pathlib import Path

import pytest

from services.cli.errors import UsageError
from services.cli.recordings.options.outputs import Output, Place, of_jobs, of_recordings
from services.cli.recordings.output import files as module
from services.cli.recordings.output.files import Files, safe_stem

BEGAN = datetime(2026, 11, 26, 9, 5, 7).astimezone()
DEFAULT = "transcription_20261126_090507"
TEXT = {"txt": b"hej\n"}
BOTH = {"txt": b"hej\n", "srt": b"1\n"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(output: Output, *recordings: Path) -> Files:
    return Files(output, began=BEGAN, kept=recordings)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_formats_alone_go_to_the_current_folder_under_the_time_of_the_start(folder: Path) -> None:
    written = files(Output(formats=("txt", "srt")))
    place = written.place(Path("somewhere/interview.m4a"), "interview.m4a")
    assert written.write(place, BOTH) == [Path(f"{DEFAULT}.txt"), Path(f"{DEFAULT}.srt")]
    assert names(folder) == [f"{DEFAULT}.srt", f"{DEFAULT}.txt"]


def test_two_recordings_never_share_a_default_name_not_even_with_another_format(folder: Path) -> None:
    (folder / f"{DEFAULT}.vtt").write_text("another run's")
    of_run = files(Output(formats=("txt",)))
    assert [of_run.place(None, name).path("txt").name for name in "ab"] == [f"{DEFAULT}_2.txt", f"{DEFAULT}_3.txt"]


def test_a_file_beside_its_recording_has_its_stem(folder: Path) -> None:
    recording = folder / "archive.2026" / "möte 3.del.mp3"
    recording.parent.mkdir()
    written = files(Output(formats=("txt",), beside=True), recording)
    assert written.write(written.place(recording, "möte 3.del.mp3"), TEXT) == [recording.with_name("möte 3.del.txt")]


def test_in_another_folder_a_file_has_the_name_of_its_recording_wherever_that_came_from(folder: Path) -> None:
    out = folder / "out"
    written = files(Output(formats=("txt",), folder=out))
    stems = [written.place(one, name).path("txt").name for one, name in ((Path("a/b.mp3"), "b.mp3"), (None, "c.wav"))]
    assert stems == ["b.txt", "c.txt"]
    assert written.place(None, "..").path("txt").name == f"{DEFAULT}.txt"


def test_what_lies_beside_itself_only_as_a_file_has_its_name_in_the_current_folder() -> None:
    assert files(Output(formats=("txt",), beside=True)).place(None, "tal.mp3").path("txt") == Path("tal.txt")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("../../etc/passwd.mp3", "_.._etc_passwd"),
        ("a\\b\x1b[31m\n.mp3", "a_b_[31m_"),
        (".hidden", "hidden"),
        ("å" * 300 + ".mp3", "å" * 100),
        ("...", ""),
    ],
)
def test_a_name_from_outside_stays_a_name_in_the_folder(name: str, stem: str) -> None:
    assert safe_stem(name) == stem


def test_a_file_is_never_overwritten_and_all_formats_of_a_recording_have_one_number(folder: Path) -> None:
    (folder / "a.srt").write_text("mine")
    (folder / "a_2.txt").symlink_to("nowhere")
    written = files(Output(formats=("txt", "srt"), folder=Path()))
    assert written.write(written.place(None, "a.mp3"), BOTH) == [Path("a_3.txt"), Path("a_3.srt")]
    assert (folder / "a.srt").read_text() == "mine"


def test_a_name_that_another_program_takes_meanwhile_is_left_to_it(folder: Path) -> None:
    written = files(Output(formats=("txt", "srt"), folder=Path()))
    place = written.place(None, "a.mp3")
    (folder / "a.srt").write_text("another's")
    assert written.write(place, BOTH) == [Path("a_2.txt"), Path("a_2.srt")]
    assert names(folder) == ["a.srt", "a_2.srt", "a_2.txt"]
    assert (folder / "a.srt").read_text() == "another's"


def test_where_a_file_has_one_name_nothing_is_overwritten_either(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    written = files(Output(formats=("txt", "srt"), folder=Path()))
    place = written.place(None, "a.mp3")
    (folder / "a.srt").write_text("another's")
    assert written.write(place, BOTH) == [Path("a_2.txt"), Path("a_2.srt")]
    assert names(folder) == ["a.srt", "a_2.srt", "a_2.txt"]
    assert ((folder / "a.srt").read_text(), (folder / "a_2.txt").read_bytes()) == ("another's", BOTH["txt"])


def test_with_force_a_file_is_replaced_but_no_recording_and_no_other_text_of_the_run(folder: Path) -> None:
    recording = folder / "b.txt"
    recording.write_bytes(b"sound")
    (folder / "a.txt").write_text("old")
    written = files(Output(formats=("txt",), beside=True, force=True), recording)
    places = [written.place(folder / name, name) for name in ("a.mp3", "a.wav", "A.flac", "b.txt")]
    paths = [path.name for place in places for path in written.write(place, TEXT)]
    assert paths == ["a.txt", "a_2.txt", "A_3.txt", "b_2.txt"]
    assert ((folder / "a.txt").read_bytes(), recording.read_bytes()) == (TEXT["txt"], b"sound")


def test_a_disk_that_is_full_leaves_no_file_and_no_part_of_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = module._write

    def full(path: Path, content: bytes) -> None:
        real(path, content[:2])
        if content == BOTH["srt"]:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_write", full)
    written = files(Output(formats=("txt", "srt"), folder=Path()))
    with pytest.raises(OSError, match="No space left"):
        written.write(Place(folder=Path(), stem="a"), BOTH)
    assert names(folder) == []


def test_a_written_file_has_the_mode_that_the_user_wants(folder: Path) -> None:
    before = os.umask(0o027)
    try:
        written = files(Output(formats=("txt",), folder=Path()))
        (path,) = written.write(written.place(None, "a.mp3"), TEXT)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_formats_are_taken_together_and_one_after_another_each_once() -> None:
    assert of_recordings(formats=["txt, SRT", "txt", ".docx"]).formats == ("txt", "srt", "docx")


def test_without_options_the_text_goes_to_standard_output_and_a_folder_alone_means_txt(folder: Path) -> None:
    assert of_recordings() == Output()
    assert of_recordings(beside=True).formats == ("txt",)
    assert of_jobs(folder=folder).formats == ("txt",)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"formats": ["pdf"]}, "There is no format pdf; there are: json, txt"),
        ({"formats": ["txt,"]}, "There is no format without a name"),
        ({"beside": True, "folder": Path()}, "name two places"),
        ({"folder": Path("none/texts")}, "none/texts does not exist: make it first"),
        ({"folder": Path("file")}, "file is no folder"),
        ({"force": True}, "--force replaces files, and none is written"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_sent(wanted: dict[str, object], sentence: str) -> None:
    Path("file").touch()
    with pytest.raises(UsageError, match=sentence):
        of_recordings(**wanted)  # type: ignore[arg-type] # one of them at a time


def test_a_folder_that_is_not_there_is_made_with_its_first_file(folder: Path) -> None:
    output = of_recordings(folder=folder / "texts")
    assert not (folder / "texts").exists()
    files = Files(output, began=BEGAN)
    assert files.write(files.place(None, "a.mp3"), {"txt": b"a"}) == [folder / "texts" / "a.txt"]


def test_a_folder_that_takes_no_files_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write into any folder, so its mode tells nothing here.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match="Nothing can be written into the folder"):
        of_recordings(formats=["txt"])


def test_what_show_must_be_told_to_write_the_same_files_is_quoted_for_a_shell() -> None:
    assert Output(formats=("txt", "srt"), folder=Path("my texts")).options == " -f txt,srt -o 'my texts'"
    assert Output().options == ""
