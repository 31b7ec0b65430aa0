"""The example receivers take what was really signed and sent, once each, and nothing else."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.cli.client.forwarding import Forwarding
from services.common.webhooks import secrets
from services.common.webhooks.outcome import AttemptOutcome
from services.common.webhooks.signing import signed_headers
from services.common.webhooks.transport import post
from tests.support.node import RECEIVER, installed
from tests.support.replies import replying

ROOT = Path(__file__).parents[2]
API_KEY = "key_of_the_receiver"
LONG = "of a meeting of two hours"
OLD, NEW, FIRST, SECOND = (secrets.new_secret() for _ in range(4))
BY_CALLBACK = {"cb_first": f"{OLD} {FIRST}", "cb_second": SECOND}


@dataclass
class Receiver:
    """A running receiver, and the lines that it wrote."""

    url: str
    lines: queue.Queue[str]

    def accepted(self) -> dict[str, Any]:
        """The next message that it took; it is waited for."""
        line: dict[str, Any] = json.loads(self.lines.get(timeout=5))
        return line

    def send(
        self,
        message_id: str,
        body: bytes,
        *,
        secret: str = NEW,
        seconds_ago: int = 0,
        changed: bytes | None = None,
        **other_headers: str,
    ) -> AttemptOutcome:
        signed = signed_headers(
            message_id=message_id,
            timestamp_seconds=int(time.time()) - seconds_ago,
            body=body,
            active_secrets=[secret],
        )
        replaced = {name.replace("_", "-"): value for name, value in other_headers.items()}
        headers = {"content-type": "application/json"} | signed | replaced
        return post(self.url, headers, body if changed is None else changed, allow_private=True)


def python_command(port: int) -> tuple[list[str], Path]:
    command = [sys.executable, "-m", "uvicorn", "receiver:app", "--port", str(port), "--log-level", "error"]
    return command, ROOT / "examples/receivers/python"


def node_command(_port: int) -> tuple[list[str], Path]:
    return ["node", "receiver.mjs"], installed(RECEIVER)


@pytest.fixture(
    scope="module",
    params=[pytest.param(python_command, id="python"), pytest.param(node_command, id="node", marks=pytest.mark.npm)],
)
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command, folder = request.param(port)
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ
        | {"WEBHOOK_SECRET": f"{OLD} {NEW}", "WEBHOOK_SECRETS": json.dumps(BY_CALLBACK)}
        | {"TRANSCRIBE_KEY": API_KEY, "PORT": str(port)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        _wait_for(port, process)
        yield Receiver(f"http://127.0.0.1:{port}/hook", lines)
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def _read(stream: Any, lines: queue.Queue[str]) -> None:
    for line in stream:
        if "listening" not in line:
            lines.put(line)


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the receiver did not start")


def message(kind: str = "transcription.started", **data: Any) -> bytes:
    return json.dumps({"type": kind, "timestamp": "2026-11-23T12:00:00Z", "data": data}).encode()


def test_a_signed_message_is_taken(receiver: Receiver) -> None:
    outcome = receiver.send("msg_1", message(job_id="job_åäö"))

    assert outcome.status == 204
    assert receiver.accepted() == {"type": "transcription.started", "job_id": "job_åäö"}


def test_what_transcribe_listen_forwards_is_taken(receiver: Receiver) -> None:
    event = {"event_id": "msg_forwarded", "body": json.loads(message(job_id="job_åäö 🎙", cost={"dollars": 1e-7}))}
    assert Forwarding(receiver.url, NEW).send(event).last.status == 204
    assert receiver.accepted()["job_id"] == "job_åäö 🎙"


def test_the_text_of_a_completed_job_is_taken_from_the_message(receiver: Receiver) -> None:
    assert receiver.send("msg_7", message("transcription.completed", job_id="short", text="Hej på dig 🎙")).delivered
    assert receiver.accepted() == {"type": "transcription.completed", "job_id": "short", "characters": 12}


def test_a_text_that_is_too_long_for_a_message_is_fetched_with_the_api_key(receiver: Receiver) -> None:
    path = "/api/jobs/long/transcript"
    with replying() as replies:
        link = f"{replies.address}/results/long/1/transcript.txt?signature=ours"
        replies.by_request |= {
            f"GET {path}": (200, {"url": link}),
            "GET /results/long/1/transcript.txt": (200, LONG),
        }
        results = [
            {"format": form, "result_url": f"{replies.address}{path}?format={form}"} for form in ("json", "txt", "srt")
        ]
        assert receiver.send("msg_8", message("transcription.completed", job_id="long", results=results)).delivered
        told = receiver.accepted()

    assert told == {"type": "transcription.completed", "job_id": "long", "characters": len(json.dumps(LONG))}
    assert replies.asked == [
        (f"GET {path}?format=txt&redirect=false", f"Bearer {API_KEY}"),
        ("GET /results/long/1/transcript.txt?signature=ours", None),
    ]


@pytest.mark.parametrize(
    "results",
    [
        [{"format": "json", "result_url": "http://127.0.0.1:1/"}],
        [{"format": "txt", "uri": "s3://bucket/transcript.txt"}],
    ],
    ids=["no txt", "no API"],
)
def test_a_long_text_that_cannot_be_fetched_is_said_to_be_missing(
    receiver: Receiver, results: list[dict[str, str]]
) -> None:
    body = message("transcription.completed", job_id="without", results=results)
    assert receiver.send(f"msg_without_{results[0]['format']}", body).delivered
    assert receiver.accepted() == {"type": "transcription.completed", "job_id": "without", "characters": None}


def test_during_a_rotation_a_message_signed_with_either_secret_is_taken(receiver: Receiver) -> None:
    assert receiver.send("msg_2", message(job_id="a"), secret=OLD).delivered
    assert receiver.send("msg_3", message(job_id="b"), secret=NEW).delivered
    # They answer before they act, so what they do may come in another order.
    assert {receiver.accepted()["job_id"], receiver.accepted()["job_id"]} == {"a", "b"}


def test_a_message_that_comes_twice_is_acted_on_once(receiver: Receiver) -> None:
    assert receiver.send("msg_4", message(job_id="twice")).delivered
    assert receiver.send("msg_4", message(job_id="twice")).delivered
    assert receiver.send("msg_5", message(job_id="next")).delivered

    assert {receiver.accepted()["job_id"], receiver.accepted()["job_id"]} == {"twice", "next"}


def test_the_messages_of_one_event_to_two_callbacks_are_acted_on_once_each(receiver: Receiver) -> None:
    for callback_id, secret in [("cb_first", FIRST), ("cb_second", SECOND)] * 2:
        body = message(job_id="of both")
        assert receiver.send("msg_both", body, secret=secret, webhook_callback_id=callback_id).delivered
    assert receiver.send("msg_after_both", message(job_id="next")).delivered

    assert sorted(receiver.accepted()["job_id"] for _ in range(3)) == ["next", "of both", "of both"]
    assert receiver.lines.empty()


def test_a_message_that_comes_again_under_another_callbacks_name_is_not_acted_on_again(receiver: Receiver) -> None:
    for callback_id in ("cb_third", "cb_fourth"):
        assert receiver.send("msg_renamed", message(job_id="once"), webhook_callback_id=callback_id).delivered
    assert receiver.send("msg_after_renamed", message(job_id="next")).delivered

    assert {receiver.accepted()["job_id"], receiver.accepted()["job_id"]} == {"once", "next"}
    assert receiver.lines.empty()


def test_a_message_that_was_overtaken_by_a_later_one_is_not_acted_on(receiver: Receiver) -> None:
    told: list[dict[str, Any]] = [
        {"job_id": "overtaken", "sequence": 7},
        {"job_id": "overtaken", "sequence": 6},
        {"job_id": "beside it", "sequence": 6},
        {"job_id": "overtaken", "sequence": 8},
        {"job_id": "overtaken"},  # of an earlier release
    ]
    for number, data in enumerate(told):
        assert receiver.send(f"msg_order_{number}", message(**data)).status == 204

    assert sorted(receiver.accepted()["job_id"] for _ in range(4)) == ["beside it", *["overtaken"] * 3]
    assert receiver.lines.empty()


@pytest.mark.parametrize(
    ("callback_id", "secret"),
    [("cb_first", FIRST), ("cb_first", OLD), ("cb_second", SECOND)],
    ids=["its new one", "its old one", "another callback's"],
)
def test_a_message_is_verified_with_the_secrets_of_its_callback(
    receiver: Receiver, callback_id: str, secret: str
) -> None:
    name = f"{callback_id}_{secret == OLD}"
    assert receiver.send(f"msg_{name}", message(job_id=name), secret=secret, webhook_callback_id=callback_id).delivered
    assert receiver.accepted()["job_id"] == name


def test_a_message_of_a_callback_that_the_map_lacks_is_verified_with_the_one_secret(receiver: Receiver) -> None:
    assert receiver.send("msg_other", message(job_id="other"), webhook_callback_id="cb_other").delivered
    assert receiver.accepted()["job_id"] == "other"


def test_a_challenge_is_echoed(receiver: Receiver) -> None:
    outcome = receiver.send("msg_6", message("callback.challenge", challenge="c0ffee"))

    assert json.loads(outcome.body) == {"challenge": "c0ffee"}


@pytest.mark.parametrize(
    "forgery",
    [
        pytest.param({"changed": message(job_id="evil")}, id="changed body"),
        pytest.param({"changed": b""}, id="no body"),
        pytest.param({"changed": b"\xff\xfe"}, id="no UTF-8"),
        pytest.param({"seconds_ago": 360}, id="replayed after six minutes"),
        pytest.param({"seconds_ago": -360}, id="from the future"),
        pytest.param({"secret": secrets.new_secret()}, id="another secret"),
        pytest.param({"webhook_id": "msg_other"}, id="another id"),
        pytest.param({"secret": FIRST, "webhook_callback_id": "cb_second"}, id="another callback's id"),
        pytest.param({"secret": FIRST, "webhook_callback_id": "cb_other"}, id="an unknown callback's id"),
        pytest.param({"secret": NEW, "webhook_callback_id": "cb_first"}, id="the secret of the callbacks not named"),
        pytest.param({"secret": FIRST}, id="no callback's id"),
        pytest.param({"webhook_timestamp": "soon"}, id="no timestamp"),
        pytest.param({"webhook_signature": "v1"}, id="half a signature"),
        pytest.param({"webhook_signature": "v1,!!!"}, id="no base64"),
        pytest.param({"webhook_signature": "v2,AAAA"}, id="unknown version"),
        pytest.param({"webhook_signature": ""}, id="empty signature"),
    ],
)
def test_a_forgery_is_refused(receiver: Receiver, forgery: dict[str, Any]) -> None:
    outcome = receiver.send("msg_forged", message(job_id="forged"), **forgery)

    assert outcome.status == 400
    assert receiver.lines.empty()


@pytest.fixture(scope="module")
def node_verifier() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        ["node", ROOT / "tests/support/verify_signatures.cjs"],
        env=os.environ | {"NODE_PATH": str(installed(RECEIVER) / "node_modules")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


@pytest.mark.npm
@given(
    content=st.dictionaries(st.text(), st.text() | st.integers()),
    message_id=st.text("abcXYZ019_-", min_size=1, max_size=128),
    seconds_ago=st.integers(-280, 280),
    forged=st.booleans(),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_official_library_for_node_accepts_exactly_what_was_signed(
    *,
    node_verifier: subprocess.Popen[str],
    content: dict[str, Any],
    message_id: str,
    seconds_ago: int,
    forged: bool,
) -> None:
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace").decode()
    headers = signed_headers(
        message_id=message_id,
        timestamp_seconds=int(time.time()) - seconds_ago,
        body=body.encode(),
        active_secrets=[OLD, NEW],
    )
    assert node_verifier.stdin is not None
    assert node_verifier.stdout is not None
    question = {"secret": NEW, "headers": headers, "body": body + " " if forged else body}
    node_verifier.stdin.write(json.dumps(question) + "\n")
    node_verifier.stdin.flush()

    assert json.loads(node_verifier.stdout.readline()) is not forged
