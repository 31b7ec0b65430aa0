"""Everything at once, in any order: uploads, sweeps, two at a time, machines that die anywhere or are taken back,
devices that die or give nonsense, full disks, clocks ten minutes apart, an index that hides what is there and shows
what was, no capacity, throttling, an S3 that answers 503, cancellation, retry, updates, erasure. In the end every
promise holds.

`STATE_MACHINE_EXAMPLES=500` looks further than the tests do.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any
from unittest.mock import patch

from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from services.common.domain.errors import DecoderFailedError
from services.common.domain.times import MINUTE_MS, SECOND_MS
from services.common.store.table import Table
from services.gpu_worker.engine.processes.device_link import DeviceDiedError
from services.gpu_worker.queue.worker import Worker
from services.orchestrator.bulkheads import SweepFailedError
from tests.crash.invariants import violations
from tests.crash.scenarios import each_job
from tests.support.faults import Crash, Mode
from tests.support.step_world import step_world

TROUBLE = {
    "dynamodb": {"Error": {"Code": "ThrottlingException", "Message": "slow down"}},
    "s3": {
        "Error": {"Code": "ServiceUnavailable", "Message": "503"},
        "ResponseMetadata": {"HTTPStatusCode": 503},
    },
}

FAULTS = (
    DeviceDiedError(0),
    DeviceDiedError(1),
    DeviceDiedError(2),
    DecoderFailedError("The device gave back probabilities that are no numbers."),
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
)
"""The process that holds the model dies, or is killed because it hangs, over another's clips, these, or these among
others; it gives what is no number; the disk takes no more."""


class Deployment(RuleBasedStateMachine):
    """One recording's way through a deployment that nothing good happens to."""

    @initialize(parts=st.sampled_from([1, 3]))
    def deploy(self, parts: int) -> None:
        self.stack = ExitStack()
        self.world = self.stack.enter_context(step_world(parts=parts))
        self.world.listen()
        self.hidden = 0
        self.stale = 0
        self.erased = False
        self.updates = 0
        real = Table.due
        seen: dict[str, list[dict[str, Any]]] = {}

        def due(table: Table, kind: str, **how: Any) -> Iterator[dict[str, Any]]:
            items, before = list(real(table, kind, **how)), seen.get(kind, [])
            seen[kind] = items
            if self.stale:
                self.stale -= 1
                return iter(before)
            if self.hidden and items:
                self.hidden -= 1
                return iter(items[1:])
            return iter(items)

        self.stack.enter_context(patch.object(Table, "due", due))
        self.world.upload()

    @rule()
    def queue_is_served(self) -> None:
        self._in_trouble(self.world.serve_queue)

    @rule(skew=st.integers(-10 * MINUTE_MS, 10 * MINUTE_MS))
    def sweep_runs(self, skew: int) -> None:
        self.world.orchestrator_skew_ms = skew
        self._in_trouble(self.world.sweep)
        self.world.orchestrator_skew_ms = 0

    @rule(at=st.integers(0, 12))
    def two_sweeps_run_at_once(self, at: int) -> None:
        """The second runs whole while the first one waits for the answer to one of its calls."""
        faults = self.world.faults
        faults.happened = False
        faults.plan(len(faults.calls) + at, Mode.RIVAL, lambda _: self._rival_sweep())
        self._in_trouble(self.world.sweep)
        faults.happened = True

    def _rival_sweep(self) -> None:
        self._in_trouble(lambda: self.world.orchestrator().sweep.run(lambda: 50.0))

    @rule(clips=st.integers(1, 6))
    def a_machine_is_taken_back(self, clips: int) -> None:
        seen: list[int] = []

        def notice(worker: Worker) -> None:
            seen.append(1)
            if len(seen) == clips:
                worker.leaving.leave("spot notice")

        self.world.each_clip = notice
        self._in_trouble(self.world.run_machines)
        self.world.each_clip = lambda _: None

    @rule(launches=st.integers(1, 3))
    def there_is_no_capacity(self, launches: int) -> None:
        self.world.ec2.missing = launches

    @rule(skew=st.integers(-10 * MINUTE_MS, 10 * MINUTE_MS), clips=st.integers(0, 6))
    def machines_run_and_one_may_die(self, skew: int, clips: int) -> None:
        seen: list[int] = []

        def die(_: Worker) -> None:
            seen.append(1)
            if len(seen) == clips:
                raise Crash

        self.world.skew_ms, self.world.each_clip = skew, die
        self._in_trouble(self.world.run_machines)
        self.world.skew_ms, self.world.each_clip = 0, lambda _: None

    @rule(error=st.sampled_from(FAULTS), clips=st.integers(1, 6))
    def machines_run_and_a_device_or_a_disk_fails(self, error: Exception, clips: int) -> None:
        """Once: what a recording does again and again ends it, which is another promise."""
        seen: list[int] = []

        def fail(_: Worker) -> None:
            seen.append(1)
            if len(seen) == clips:
                raise error

        self.world.each_clip = fail
        self._in_trouble(self.world.run_machines)
        self.world.each_clip = lambda _: None

    @rule(seconds=st.integers(1, 600))
    def time_passes(self, seconds: int) -> None:
        self.world.now += seconds * SECOND_MS

    @rule(items=st.integers(1, 3))
    def index_hides_items(self, items: int) -> None:
        self.hidden = items

    @rule(looks=st.integers(1, 3))
    def index_shows_what_was(self, looks: int) -> None:
        self.stale = looks

    @rule(service=st.sampled_from(sorted(TROUBLE)), after=st.integers(0, 12))
    def a_call_will_be_refused(self, service: str, after: int) -> None:
        left = [after]

        def refuse(name: str) -> None:
            if name.startswith(service):
                left[0] -= 1
                if left[0] == 0:
                    raise ClientError(TROUBLE[service], name)  # type: ignore[arg-type] # as AWS answers

        self.world.faults.refuse = refuse

    @rule()
    def it_is_delivered_again(self) -> None:
        self.world.queue += [{**message, "messageId": "again"} for message in self.world.queue[:1]]

    @rule()
    def client_cancels(self) -> None:
        self._in_trouble(lambda: each_job(self.world, self.world.cancel))

    @rule()
    def client_retries(self) -> None:
        self._in_trouble(lambda: each_job(self.world, self.world.retry))

    @rule()
    def client_updates(self) -> None:
        self.updates += 1
        self._in_trouble(lambda: each_job(self.world, lambda job: self.world.update(job, f"case {self.updates}")))

    @rule()
    def client_erases(self) -> None:
        if self.world.jobs():
            self.erased = True
            self._in_trouble(lambda: each_job(self.world, self.world.erase))

    def _in_trouble(self, step: Any) -> None:
        """A refused call may end the process; the next one goes on."""
        with suppress(ClientError, SweepFailedError):
            step()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.hidden = self.stale = 0
        self.world.faults.refuse = lambda _: None
        try:
            self.world.settle()
            # Three deaths on the device, or as many silent boots, may end or delay a job, and both say so.
            found = violations(self.world, {"erased"} if self.erased else {"completed", "canceled", "failed"})
            assert [one for one in found if not one.startswith("taken_up_in_time")] == []
        finally:
            self.stack.close()


Deployment.TestCase.settings = settings(
    max_examples=int(os.environ.get("STATE_MACHINE_EXAMPLES", "20")),
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="STATE_MACHINE_EXAMPLES" not in os.environ,
)


TestDeployment = Deployment.TestCase
