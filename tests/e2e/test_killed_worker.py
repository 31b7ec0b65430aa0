"""What a killed worker leaves behind is taken up by another."""

from __future__ import annotations

from pathlib import Path

from services.local.client import Client
from services.local.receiver import Receiver
from services.local.stack import Stack, StackSettings
from tests.support.audio import MEETING
from tests.support.random_model import UNTRAINED


def test_a_worker_killed_in_the_middle_of_a_job_is_replaced_and_the_job_completes_once(random_model: Path) -> None:
    settings = StackSettings(
        models_folder=random_model, lease_seconds=4, heartbeat_seconds=1, sweep_seconds=1, worker=UNTRAINED
    )
    with Stack(settings) as stack, Receiver() as receiver:
        client = Client(stack, "acme")
        receiver.trust(
            client.register(receiver.url, events=["transcription.completed", "transcription.interrupted"])["secret"]
        )
        job_id = client.send(MEETING.read_bytes(), "möte.mp3")
        client.wait(job_id, until={"running"})
        (machine,) = stack.machines.wait_for(1)
        machine.kill()
        job = client.wait(job_id)
        assert job["status"] == "completed"
        assert job["result"]["attempt"] == 2
        kinds = [receiver.messages.get(timeout=10).type for _ in range(2)]
        assert kinds == ["transcription.interrupted", "transcription.completed"]
        prefix = f"results/{job_id}/"
        objects = stack.s3.list_objects_v2(Bucket="transcribe-local", Prefix=prefix)["Contents"]
        assert {entry["Key"].removeprefix(prefix).split("/")[0] for entry in objects} == {"2"}
        assert receiver.messages.empty()
