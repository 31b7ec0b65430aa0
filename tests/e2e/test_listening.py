"""`transcribe listen` beside a real callback."""

from __future__ import annotations

from services.local.client import Client
from services.local.receiver import Receiver
from services.local.stack import Stack
from tests.support.client_commands import CommandLine


def test_a_forwarded_message_is_byte_for_byte_what_the_callback_got(
    stack: Stack, client: Client, receiver: Receiver
) -> None:
    key = client.http.headers["authorization"].removeprefix("Bearer ")
    with Receiver() as own:
        arguments = ("listen", "--forward", own.url, "--type", "transcription.canceled")
        with CommandLine.of(stack.api_url, key).running(*arguments) as listening:
            listening.note()
            own.trust(listening.note())
            listening.note()
            job_id = client.new_job("möte å.mp3", reference="ärende 7")["job_id"]
            client.http.post(f"/api/jobs/{job_id}/cancel").raise_for_status()
            assert "\t204 in " in listening.result()
            forwarded = own.messages.get(timeout=1)
    assert receiver.messages.get(timeout=70) == forwarded
    assert own.refused == 0
