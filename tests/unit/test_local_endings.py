"""How `transcribe local` ends: with one sentence and an exit code, whatever happens."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any, Self

import pytest

from services.cli.errors import Exit
from services.local import serve
from services.local.stack import StackSettings


class Ended:
    """A system that ends as soon as it runs."""

    has_kept_all = True

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""


@pytest.fixture(autouse=True)
def no_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "Stack", Ended)
    monkeypatch.setattr(serve, "serve", lambda *_: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["transcribe local", *words])
    return serve.main()


def test_it_is_said_if_the_folder_lacks_what_happened_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "kept")
    assert run(monkeypatch, folder) == Exit.DONE
    monkeypatch.setattr(Ended, "has_kept_all", False)
    assert run(monkeypatch, folder) == Exit.FAILED
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith(f"transcribe: {folder} does not have what happened last: make room there")


def test_what_it_may_not_write_is_named_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, os.strerror(13), "/state/transcribe")

    monkeypatch.setattr(serve, "serve", refused)
    monkeypatch.setattr("services.cli.streams.drop_output", lambda: None)
    assert run(monkeypatch) == Exit.REFUSED
    (sentence,) = capfd.readouterr().err.splitlines()
    assert sentence.startswith("transcribe: /state/transcribe cannot be used (Permission denied)")


def test_ctrl_c_ends_it_at_once_while_a_model_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(*_: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(serve, "model_of", fetched)
    monkeypatch.setattr(signal, "signal", pytest.fail)
    assert run(monkeypatch, "--model", "KBLab/kb-whisper-small") == Exit.INTERRUPTED
