"""The local stack, whose machines are containers: what tests of machines ask of it."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from services.common.domain.machines import Slot
from services.local import resources
from services.local.client import Client
from services.local.ec2 import EmulatedMachine
from services.local.stack import Stack, StackSettings
from tests.machine.container import Container
from tests.support.audio import MEETING

GONE_SECONDS = 60
GROUP = resources.WORKER_LOG_GROUP


class Fleet:
    """At most one machine, made by whatever container the test has set."""

    def __init__(self) -> None:
        self.container: Container | None = None
        self.stack = Stack(
            StackSettings(sweep_seconds=1, lease_seconds=6, heartbeat_seconds=1, idle_seconds=1, boot=self._boot)
        )

    def __enter__(self) -> Self:
        self.stack.__enter__()
        self.client = Client(self.stack, "machines")
        self._logs = self.stack.session.client("logs", endpoint_url=self.stack.endpoint)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.__exit__(kind, error, trace)

    def _boot(self, *arguments: Any) -> Any:
        assert self.container, "a machine was launched that no test asked for"
        self.container.environment.setdefault("LOG_GROUP", GROUP)
        return self.container.boot(*arguments)

    def launch(self, container: Container, *, times: int = 1) -> tuple[EmulatedMachine, str]:
        """Queue the meeting, so many times over; it brings a machine made this way. Returns that and the job's id."""
        self.container = container
        job_id = self.client.send(MEETING.read_bytes() * times, MEETING.name)
        (machine,) = self.stack.machines.wait_for(1)
        return machine, job_id

    def wait_until_off(self, machine: EmulatedMachine, seconds: float = GONE_SECONDS) -> float:
        """Seconds until the machine had powered itself off.

        Raises:
            TimeoutError: it is still there.

        """
        began = time.monotonic()
        while machine.process.poll() is None:
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"{machine.instance_id} still runs:\n{self.console(machine)}")
            time.sleep(0.05)
        assert machine.process.returncode == 0, f"did not end by powering off:\n{self.console(machine)}"
        return time.monotonic() - began

    def console(self, machine: EmulatedMachine) -> str:
        """What the machine wrote to its console: systemd's words and the journal's."""
        return (self.stack.logs / f"worker-{machine.instance_id}.log").read_text("utf-8", "replace")

    def consoles(self) -> str:
        """What every machine since the last call wrote."""
        text = ""
        for path in sorted(self.stack.logs.glob("worker-*.log"), key=lambda path: path.stat().st_mtime):
            text += f"== {path.name}\n{path.read_text('utf-8', 'replace')}\n"
            path.rename(path.with_suffix(".told"))
        return text

    def shipped(self, machine: EmulatedMachine) -> str:
        """What of the machine's log is in CloudWatch."""
        streams = self._logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=machine.instance_id)
        names = [stream["logStreamName"] for stream in streams["logStreams"]]
        return "\n".join(
            event["message"]
            for name in names
            if not name.endswith("/console")  # which the orchestrator copied
            for event in self._logs.get_log_events(logGroupName=GROUP, logStreamName=name, startFromHead=True)["events"]
        )

    def note(self, machine: EmulatedMachine) -> str:
        """What the machine last said in its slot before it ended."""
        while machine.process.poll() is None:
            slot = self.slot()
            if slot and slot.note:
                return slot.note
            time.sleep(0.05)
        raise AssertionError(f"the slot was left without a word:\n{self.console(machine)}")

    def slot(self) -> Slot | None:
        return self.stack.store.slots.get("00")

    def calm(self) -> None:
        """Cancel what is queued, end what runs, and wait until the slot is free."""
        for job in self.client.http.get("/api/jobs").json()["jobs"]:
            if job["status"] in {"queued", "running"}:
                self.client.http.post(f"/api/jobs/{job['job_id']}/cancel")
        for machine in self.stack.machines.running:
            machine.kill()
        # Machines that fail one after another are what these tests are about: the breaker would keep the next away.
        table = self.stack.session.client("dynamodb", endpoint_url=self.stack.endpoint)
        table.delete_item(TableName=resources.TABLE, Key={"pk": {"S": "FLEET"}, "sk": {"S": "BREAKER"}})
        until = time.monotonic() + GONE_SECONDS
        while self.slot() or self.stack.machines.running:
            assert time.monotonic() < until, f"the slot is not freed: {self.slot()}"
            time.sleep(0.1)
        self.container = None
