"""Lines of the log: of ours, of libraries, and of what nobody catches."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import boto3
import botocore
import pytest
import structlog

from services.common import logs
from services.orchestrator.bulkheads import SweepFailedError

SECRET = "möte med Åsa Öberg.mp3"


class Lines:
    """What was logged since it was last read."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._capsys.readouterr().err.splitlines()]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """A log as it is deployed."""
    handlers, show = logging.getLogger().handlers[:], warnings.showwarning
    logs.configure("info", service="test", deployment="d")
    yield Lines(capsys)
    logging.getLogger().handlers[:], warnings.showwarning = handlers, show
    structlog.reset_defaults()


def test_an_error_as_a_value_is_described_wherever_it_stands(lines: Lines) -> None:
    structlog.get_logger().warning("it.happened", error=ValueError(SECRET), of=[{"all": KeyError(SECRET)}, object()])
    (line,) = lines.read()
    assert (line["error"], line["of"]) == ("ValueError", [{"all": "KeyError"}, "<object>"])


def test_a_library_is_heard_without_its_words(lines: Lines) -> None:
    library = logging.getLogger("botocore.something")
    library.info("Nobody asked for %s", SECRET)
    library.warning("Connection to %s was cut", SECRET)
    library.error("%s", SECRET, exc_info=ValueError(SECRET))
    warned, failed = lines.read()
    assert (warned["event"], warned["level"], warned["logger"]) == ("library.warned", "warning", "botocore.something")
    assert "test_log_lines.py:" in warned["place"]
    assert (failed["event"], failed["level"], failed["deployment"]) == ("library.failed", "error", "d")
    assert failed["exception"].endswith("ValueError")
    assert SECRET not in json.dumps([warned, failed], ensure_ascii=False)


def test_a_record_that_cannot_be_put_into_words_is_heard_too(lines: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("odd").warning("%d", SECRET)
    assert [line["event"] for line in lines.read()] == ["library.warned"]
    assert capsys.readouterr().err == ""


def test_a_warning_is_told_by_its_kind_and_place(lines: Lines) -> None:
    warnings.showwarning(UserWarning(SECRET), UserWarning, __file__, 7)
    (line,) = lines.read()
    assert (line["kind"], line["place"].split("/")[-1]) == ("UserWarning", "test_log_lines.py:7")
    assert SECRET not in line.values()


def test_what_leaves_a_function_is_logged_and_tells_nothing(lines: Lines) -> None:
    with pytest.raises(logs.InvocationFailedError, match=r"^ValueError$") as out, logs.invocation(SweepFailedError):
        raise ValueError(SECRET)
    assert out.value.__suppress_context__
    (line,) = lines.read()
    assert (line["event"], line["exception"].splitlines()[-1]) == ("invocation.failed", "ValueError")
    with pytest.raises(SweepFailedError, match=r"^search$"), logs.invocation(SweepFailedError):
        raise SweepFailedError("search")
    assert lines.read() == []


def test_what_ends_a_process_is_logged_and_its_status_says_so(lines: Lines) -> None:
    with pytest.raises(SystemExit) as out, logs.process():
        raise ValueError(SECRET)
    assert out.value.code == 1
    assert [line["event"] for line in lines.read()] == ["process.failed"]


def test_whoever_logged_before_gets_what_is_bound_later(lines: Lines) -> None:
    early = structlog.get_logger()
    early.info("first")
    logs.configure("info", service="test", deployment="another")
    early.info("second")
    assert [line["deployment"] for line in lines.read()] == ["d", "another"]


def test_an_unknown_level_is_said_and_hides_nothing(lines: Lines) -> None:
    logs.configure("loud")
    structlog.get_logger().info("it.happened")
    assert [line["event"] for line in lines.read()] == ["log.level_unknown", "it.happened"]


@pytest.mark.parametrize(
    ("service", "handler"), [("api", "services.api.handler"), ("orchestrator", "services.orchestrator.handler")]
)
def test_a_functions_first_line_says_what_lambdas_runtime_brought(service: str, handler: str) -> None:
    ran = subprocess.run([sys.executable, "-c", f"import {handler}"], capture_output=True, text=True, check=True)
    told = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [(line["event"], line["service"]) for line in told] == [("function.started", service)]
    assert (told[0]["boto3"], told[0]["botocore"]) == (boto3.__version__, botocore.__version__)
    assert told[0]["python"] == ".".join(str(part) for part in sys.version_info[:3])


UNCAUGHT = """
import sys, threading
from services.common import logs
logs.begin("test")
class Odd:
    def __del__(self):
        raise ValueError(sys.argv[1])
def fail():
    raise OSError(28, "x", sys.argv[1])
thread = threading.Thread(target=fail, name="beat")
thread.start()
thread.join()
odd = Odd()
del odd
raise KeyError(sys.argv[1])
"""


def test_what_nobody_catches_is_a_line_like_the_others() -> None:
    ran = subprocess.run([sys.executable, "-c", UNCAUGHT, SECRET], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    told = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [line["event"] for line in told] == ["thread.failed", "cleanup.failed", "process.failed"]
    assert SECRET not in ran.stdout + ran.stderr


def test_whoever_hears_the_uncaught_already_goes_on_hearing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = [lambda *_: None for _ in range(3)]
    monkeypatch.setattr(sys, "excepthook", heard[0])
    monkeypatch.setattr(threading, "excepthook", heard[1])
    monkeypatch.setattr(sys, "unraisablehook", heard[2])
    logs._capture_uncaught_errors()
    assert [sys.excepthook, threading.excepthook, sys.unraisablehook] == heard
