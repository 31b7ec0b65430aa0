"""What every process of the system logged while recordings went through it."""

from __future__ import annotations

import json

from services.local.client import Client
from services.local.receiver import Receiver
from services.local.stack import Stack
from tests.support.audio import MEETING


def test_no_log_holds_a_file_name_a_text_or_a_secret(stack: Stack, client: Client) -> None:
    with Receiver() as receiver:
        made = client.register(receiver.url)
        secret = made["secret"]
        receiver.trust(secret)
        good = client.send(
            MEETING.read_bytes()[:60_000], "hemligt möte.mp3", options={"prompt": "kodordet kanariefågel"}
        )
        bad = client.send(b"ingen ljudfil" * 50, "hemliga anteckningar.mp3")
        assert client.wait(good)["status"] == "completed"
        assert client.wait(bad)["status"] == "failed"
        receiver.messages.get(timeout=20)
        client.http.delete(f"/api/callbacks/{made['callback_id']}").raise_for_status()
    logged = stack.log_text()
    assert good in logged
    key = client.http.headers["authorization"].removeprefix("Bearer ")
    # A short word of random letters would be found in any identifier: the text as a whole, as JSON would hold it.
    text = json.dumps(client.transcript(good), ensure_ascii=False)
    for secret_thing in ("hemligt", "hemliga", "kanariefågel", secret, key, receiver.url, text):
        assert secret_thing not in logged, secret_thing[:12]


def test_every_process_writes_lines_of_json_from_its_first_one_on(stack: Stack, client: Client) -> None:
    assert client.wait(client.send(MEETING.read_bytes()[:60_000], "möte.mp3"))["status"] == "completed"
    # The last line may be in the middle of being written.
    logs = {path.name: path.read_text("utf-8").split("\n")[:-1] for path in stack.logs.glob("*.log")}
    workers = [name for name in logs if name.startswith("worker")]
    # A worker that another test has killed may have left words of the interpreter's.
    lines = [*logs["api.log"], *logs["orchestrator.log"], *(logs[name][0] for name in workers)]
    assert workers
    for line in lines:
        assert json.loads(line).keys() >= {"event", "level", "timestamp", "service"}, line
