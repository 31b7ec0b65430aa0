"""What a deployment does rarely: failures, retries, erasures, silent machines. Each is checked to have happened."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from services.common.domain.ids import upload_job_id
from services.common.domain.states import JobStatus
from services.common.domain.times import now_ms
from services.local.client import Client
from services.local.receiver import Receiver
from tests.support.deployment import Deployment


def walk(deployment: Deployment, recording: bytes) -> None:
    """Do each of these once."""
    with Receiver() as receiver:
        client = Client(deployment, "rare")
        callback = client.register(receiver.url)
        receiver.trust(callback["secret"])
        _callbacks(client, receiver)
        # A machine that is about to leave would not be the one that gets the job.
        eventually(lambda: not deployment.machines.running)
        job_id = client.send(recording, "long.mp3", options={"formats": ["txt", "json"]})
        _interrupted(deployment, client, job_id)
        assert client.wait(job_id, seconds=120)["status"] == "completed"
        _messages(client, receiver, job_id)
        _failed_retried_and_erased(client)
        _canceled(client)
        _on_demand(deployment, client, recording[:60_000])
        _in_parts(deployment, client)
        _corrected(deployment, client, job_id)
        _shared(client, job_id)
        _another_under_its_key(deployment, job_id)
        _erased(deployment, client, job_id)
        _erasure_that_broke_off(deployment, _plain_upload(deployment, client, recording))
        client.http.delete(f"/api/callbacks/{callback['callback_id']}").raise_for_status()


def _on_demand(deployment: Deployment, client: Client, recording: bytes) -> None:
    """Where the account may run no spot machine, one is launched on demand."""
    eventually(lambda: not deployment.machines.running)
    deployment.set_quotas(spot=0)
    job = client.wait(client.send(recording, "on-demand.mp3"))
    deployment.set_quotas(spot=64)
    assert (job["status"], job["cost"]["market"]) == ("completed", "on-demand")


def _callbacks(client: Client, receiver: Receiver) -> None:
    other = client.register(receiver.url, events=["transcription.failed"])["callback_id"]
    for path in ("/api/callbacks", f"/api/callbacks/{other}", f"/api/callbacks/{other}/deliveries"):
        client.http.get(path).raise_for_status()
    client.http.post(f"/api/callbacks/{other}/rotate").raise_for_status()
    client.http.post(f"/api/callbacks/{other}/test").raise_for_status()
    client.http.delete(f"/api/callbacks/{other}").raise_for_status()


def _interrupted(deployment: Deployment, client: Client, job_id: str) -> None:
    """A machine that sends no more heartbeats in the middle of a job loses the job and is ended."""
    client.wait(job_id, until={"running"})
    (machine,) = deployment.machines.running
    os.killpg(machine.process.pid, signal.SIGSTOP)
    tags = {tag["Key"]: tag["Value"] for tag in deployment.describe(machine.instance_id)["Tags"]}
    assert tags["transcribe-deployment"] == "transcription"
    eventually(lambda: deployment.describe(machine.instance_id)["State"]["Name"] == "terminated")
    # Its console is read while its tags are there, and again when its slot is freed.
    eventually(lambda: _was_read(deployment, machine.instance_id))


def _was_read(deployment: Deployment, instance_id: str) -> bool:
    ends = deployment.store.fleet.bad_ends().values()
    return any(str(end.get("console")).endswith(f" {instance_id}/console") for end in ends)


def _messages(client: Client, receiver: Receiver, job_id: str) -> None:
    for form in ("txt", "json"):
        client.transcript(job_id, form)
    for path in ("/api/jobs", "/api/events"):
        client.http.get(path).raise_for_status()
    eventually(lambda: any(message.type == "transcription.completed" for message in drained(receiver)))
    delivery = client.http.get(f"/api/jobs/{job_id}/deliveries").raise_for_status().json()["deliveries"][0]
    eventually(lambda: _settled(client, job_id))
    path = f"/api/jobs/{job_id}/deliveries/{delivery['delivery_id']}/redeliver"
    client.http.post(path, headers={"Idempotency-Key": "again"}).raise_for_status()
    eventually(lambda: any(drained(receiver)))


def _settled(client: Client, job_id: str) -> bool:
    deliveries = client.http.get(f"/api/jobs/{job_id}/deliveries").raise_for_status().json()["deliveries"]
    return all(delivery["status"] == "delivered" for delivery in deliveries)


def _failed_retried_and_erased(client: Client) -> None:
    job_id = client.send(b"this is no recording", "notes.mp3")
    assert client.wait(job_id)["status"] == "failed"
    client.http.post(f"/api/jobs/{job_id}/retry").raise_for_status()
    assert client.wait(job_id)["status"] == "failed"
    assert client.http.delete(f"/api/jobs/{job_id}").raise_for_status().json()["removed"]["recording"] == 1


def _canceled(client: Client) -> None:
    job_id = client.new_job("never.mp3", size=10)["job_id"]
    assert client.http.post(f"/api/jobs/{job_id}/cancel").raise_for_status().json()["status"] == "canceled"


def _in_parts(deployment: Deployment, client: Client) -> None:
    """Uploads in parts: one that is completed, one that is canceled, and one that nobody completes in time."""
    job_id = client.send_parts(b"this is no recording", "notes.mp3")
    assert client.wait(job_id)["status"] == "failed"
    canceled, expired = (client.new_job("never.mp3", size=10, multipart=True)["job_id"] for _ in range(2))
    for job_id in (canceled, expired):
        client.links(job_id)
    client.http.post(f"/api/jobs/{canceled}/cancel").raise_for_status()
    deployment.make_overdue(expired, "upload_expires_at")
    assert client.wait(expired)["status"] == "expired"
    eventually(lambda: not deployment.s3.list_multipart_uploads(Bucket=deployment.bucket).get("Uploads"))


def _corrected(deployment: Deployment, client: Client, job_id: str) -> None:
    """Its text is corrected, and the sweep tells of it once nobody has corrected it for some minutes."""
    path = f"/api/jobs/{job_id}"
    words = client.http.get(f"{path}/words").raise_for_status().json()["segments"][0]["words"]
    changes = [{"first": 0, "end": len(words), "segments": [{"speaker": None, "pieces": ["rättat"]}]}]
    headers = {"If-Match": '"0"'}
    client.http.put(f"{path}/correction", json={"changes": changes}, headers=headers).raise_for_status()
    assert client.http.get(f"{path}/correction").raise_for_status().json()["changes"] == changes
    assert "rättat" in client.http.get(f"{path}/transcript?version=1").raise_for_status().text
    deployment.make_overdue(job_id, "tell_correction_at")
    told = "/api/events?type=transcript.corrected"
    eventually(lambda: client.http.get(told).raise_for_status().json()["events"])


def _shared(client: Client, job_id: str) -> None:
    """It is shared, somebody opens it and names its speakers, and it is taken back."""
    path = f"/api/jobs/{job_id}/shares"
    share = client.http.post(path, json={"right": "correct"}).raise_for_status().json()
    holder = {"Authorization": f"Bearer {share['token']}"}
    for opened in ("", "/words", "/correction", "/transcript", "/recording"):
        client.http.get(f"/api/shared{opened}", headers=holder).raise_for_status()
    client.http.patch("/api/shared", json={"names": ["Anna"]}, headers=holder).raise_for_status()
    client.http.get(path).raise_for_status()
    client.http.delete(f"{path}/{share['share_id']}").raise_for_status()
    assert client.http.get("/api/shared", headers=holder).status_code == 401


def _another_under_its_key(deployment: Deployment, job_id: str) -> None:
    """Something else is put where the recording lay: a job of its own, which fails, and again when it is put again."""
    job = deployment.store.jobs.get(job_id)
    assert job
    for generation in range(2):
        put = deployment.s3.put_object(Bucket=deployment.bucket, Key=job.source_key, Body=b"this is no recording")
        own = upload_job_id(deployment.bucket, job.source_key, put["ETag"].strip('"'))
        eventually(lambda own=own, generation=generation: _has_failed(deployment, own, generation))  # type: ignore[misc] # of this round
        time.sleep(1)  # S3 dates by the second


def _has_failed(deployment: Deployment, job_id: str, generation: int) -> bool:
    job = deployment.store.jobs.get(job_id)
    return job is not None and (job.status, job.generation) == (JobStatus.FAILED, generation)


def _erased(deployment: Deployment, client: Client, job_id: str) -> None:
    """Once by the API, and again by the sweep, which finds what a late worker wrote."""
    client.http.delete(f"/api/jobs/{job_id}").raise_for_status()
    late = [f"results/{job_id}/1/transcript.txt", f"work/{job_id}/0000/0001-000002.json"]
    for key in late:
        deployment.s3.put_object(Bucket=deployment.bucket, Key=key, Body=b"late")
    deployment.make_overdue(job_id)
    for key in late:
        eventually(lambda key=key: _is_gone(deployment, key))  # type: ignore[misc] # of this round


def _plain_upload(deployment: Deployment, client: Client, recording: bytes) -> str:
    """An object under the client's prefix becomes a job of its own; returns its id."""
    deployment.s3.put_object(Bucket=deployment.bucket, Key="uploads/rare/plain.mp3", Body=recording[:60_000])

    def completed() -> list[str]:
        jobs = client.http.get("/api/jobs").raise_for_status().json()["jobs"]
        return [job["job_id"] for job in jobs if job["file_name"] == "plain.mp3" and job["status"] == "completed"]

    eventually(lambda: bool(completed()))
    return completed()[0]


def _erasure_that_broke_off(deployment: Deployment, job_id: str) -> None:
    """The API wrote the tombstone and died: the sweep deletes the recording."""
    job = deployment.store.jobs.get(job_id)
    assert job
    assert deployment.store.tombstones.put(job, now_ms())
    deployment.make_overdue(job_id)
    eventually(lambda: _is_gone(deployment, job.source_key))


def _is_gone(deployment: Deployment, key: str) -> bool:
    return bool(deployment.s3.list_objects_v2(Bucket=deployment.bucket, Prefix=key)["KeyCount"] == 0)


def drained(receiver: Receiver) -> list[Any]:
    messages = []
    while not receiver.messages.empty():
        messages.append(receiver.messages.get())
    return messages


def eventually(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until a condition holds.

    Raises:
        AssertionError: it was not within `seconds`.

    """
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"not so after {seconds} s"
        time.sleep(0.25)
