"""Each wrong use of the command line, in a process of its own: one sentence with a remedy, and no traceback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from services.cli.errors import Exit
from tests.support import receivers
from tests.support.replies import Replies, replying

OPERATOR = {
    "TABLE_NAME": "transcription-jobs",
    "AWS_REGION": "eu-north-1",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
}
PROGRAM = (sys.executable, "-m", "services.cli.main")
NOWHERE = "http://127.0.0.1:9"
PROBLEM = "There is no such job, or it is not yours."


def environment_of(home: Path, **variables: str) -> dict[str, str]:
    """A machine that nobody has set up."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        **variables,
    }


def transcribe(
    home: Path, *arguments: str, output: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    with Path(output or os.devnull).open("w", encoding="utf-8") as where:
        return subprocess.run(
            [*PROGRAM, *arguments],
            env=environment_of(home, **variables),
            stdin=subprocess.DEVNULL,
            stdout=where if output else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )


def sentence(done: subprocess.CompletedProcess[str], code: Exit) -> str:
    """The only line on standard error."""
    assert done.returncode == code, done.stderr
    assert not done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("transcribe: ")
    assert "Traceback" not in line
    return line


@pytest.fixture(scope="module", autouse=True)
def to_nowhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """A command to an address where nothing listens. It tries for seconds, so it is begun before the other tests."""
    trying = subprocess.Popen(
        [*PROGRAM, "jobs", "--api", NOWHERE, "--key", "k"],
        env=environment_of(tmp_path_factory.mktemp("home")),
        stderr=subprocess.PIPE,
        text=True,
    )
    yield trying
    trying.kill()


@pytest.fixture
def api() -> Iterator[Replies]:
    with replying() as replies:
        problem = {"type": "about:blank", "title": "t", "detail": PROBLEM, "code": "NOT_FOUND"}
        unknown = {**problem, "code": "UNAUTHORIZED", "detail": "The API key is unknown or revoked."}
        replies.by_request |= {
            "GET /api/jobs": (200, {"jobs": [{"job_id": f"job_{n}"} for n in range(30)], "next": None}),
            "POST /api/jobs/job_1/cancel": (404, problem),
            "GET /api/jobs/job_1/deliveries": (401, unknown),
            "GET /api/jobs/job_2/deliveries": (404, problem),
        }
        yield replies


KEY = {"TRANSCRIBE_URL": "API", "TRANSCRIBE_KEY": "k"}
KEYS = ("keys", "list", "acme")


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in OPERATOR.items() if name not in names}


@pytest.mark.parametrize(
    ("arguments", "variables", "expected"),
    [
        (("jobs",), {}, (Exit.USAGE, "run `transcribe login`, or set TRANSCRIBE_URL")),
        (("jobs",), {"TRANSCRIBE_URL": "API"}, (Exit.USAGE, "run `transcribe login`, or set TRANSCRIBE_KEY")),
        (("jobs", "--local", "--key", "k"), {}, (Exit.USAGE, "leave out --api and --key")),
        (("jobs", "--local"), {}, (Exit.REFUSED, "start one with `transcribe local`")),
        (("deliveries", "job_1"), KEY, (Exit.REFUSED, "run `transcribe login` with a key")),
        (("deliveries", "job_2"), KEY, (Exit.REFUSED, "compare the id, and the key")),
        (("interview.mp3",), KEY, (Exit.REFUSED, "see `transcribe --help`")),
        (("jbos",), KEY, (Exit.USAGE, "did you mean the command `jobs`?")),
        (("EMPTY",), KEY, (Exit.REFUSED, "with -r, folders in it are searched too")),
        (KEYS, without("AWS_REGION"), (Exit.USAGE, "set AWS_REGION")),
        (KEYS, without("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), (Exit.USAGE, "`aws sso login`")),
        (KEYS, without("TABLE_NAME"), (Exit.USAGE, "Set TABLE_NAME: `terraform output -raw table_name`")),
    ],
)
def test_a_wrong_use_is_told_of_in_a_sentence_with_what_to_do(
    tmp_path: Path, api: Replies, arguments: tuple[str, ...], variables: Mapping[str, str], expected: tuple[Exit, str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    words = [str(empty) if word == "EMPTY" else word for word in arguments]
    known = {name: api.address if value == "API" else value for name, value in variables.items()}
    code, remedy = expected
    assert remedy in sentence(transcribe(tmp_path, *words, **known), code)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("ExpiredTokenException", "have expired: sign in again"),
        ("ResourceNotFoundException", "no table transcription-jobs in this account and region: compare"),
    ],
)
def test_what_aws_refuses_is_told_of_in_a_sentence_with_what_to_do(tmp_path: Path, code: str, remedy: str) -> None:
    with refusing(code) as endpoint:
        done = transcribe(tmp_path, *KEYS, **OPERATOR, AWS_ENDPOINT_URL=endpoint)
    assert remedy in sentence(done, Exit.REFUSED)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_or_a_closed_terminal_while_nothing_answers_ends_with_130_and_no_traceback(
    number: signal.Signals, tmp_path: Path
) -> None:
    asked = threading.Event()

    def silent(connection: socket.socket) -> None:
        asked.set()
        with suppress(ConnectionError):
            while connection.recv(4_096):
                pass

    with receivers.serve(silent) as port:
        waiting = subprocess.Popen(
            [*PROGRAM, "jobs", "--api", f"http://127.0.0.1:{port}", "--key", "k"],
            env=environment_of(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert asked.wait(30)
        waiting.send_signal(number)
        assert waiting.communicate(timeout=30) == ("", "")
    assert waiting.returncode == Exit.INTERRUPTED


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is a device of Linux")
def test_a_full_disk_is_told_of_in_a_sentence(tmp_path: Path, api: Replies) -> None:
    known = {"TRANSCRIBE_URL": api.address, "TRANSCRIBE_KEY": "k"}
    done = transcribe(tmp_path, "jobs", "-q", output="/dev/full", **known)
    assert "The disk is full: make room and try again" in sentence(done, Exit.FAILED)


def test_an_address_where_nothing_listens_is_told_of_within_seconds(to_nowhere: subprocess.Popen[str]) -> None:
    _, told = to_nowhere.communicate(timeout=60)
    assert to_nowhere.returncode == Exit.UNREACHABLE
    *notes, line = told.splitlines()
    assert all(one.endswith("trying again …") for one in notes)
    assert line.startswith(f"transcribe: The service at {NOWHERE} cannot be reached")
    assert "check the address" in line


@contextmanager
def refusing(code: str) -> Iterator[str]:
    """DynamoDB, as it refuses every call; gives its address."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"__type": f"com.amazon.coral.service#{code}", "message": "The\nreason."}).encode()
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The program says itself what it was told."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
