"""Everything at once, in any order: uploads, sweeps, machines that die anywhere, clocks ten minutes apart, an index
that hides what is there, throttling, an S3 that answers 503. In the end every promise holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any
from unittest.mock import patch

from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from services.common.domain.clock import MINUTE, SECOND
from services.common.store.table import Table
from services.gpu_worker.worker import Worker
from services.orchestrator.bulkheads import SweepFailedError
from tests.crash.faults import Crash
from tests.crash.invariants import violations
from tests.crash.scenarios import _cancel
from tests.crash.world import crash_world

TROUBLE = {
    "dynamodb": {"Error": {"Code": "ThrottlingException", "Message": "slow down"}},
    "s3": {"Error": {"Code": "ServiceUnavailable", "Message": "503"}},
}


class Deployment(RuleBasedStateMachine):
    """One recording's way through a deployment that nothing good happens to."""

    @initialize(parts=st.sampled_from([1, 3]))
    def deploy(self, parts: int) -> None:
        self.stack = ExitStack()
        self.world = self.stack.enter_context(crash_world(parts=parts))
        self.world.listen()
        self.hidden = 0
        self.canceled = False
        real = Table.due

        def due(table: Table, kind: str, **how: Any) -> Iterator[dict[str, Any]]:
            items = list(real(table, kind, **how))
            if self.hidden and items:
                self.hidden -= 1
                return iter(items[1:])
            return iter(items)

        self.stack.enter_context(patch.object(Table, "due", due))
        self.world.upload()

    @rule()
    def queue_is_served(self) -> None:
        self._in_trouble(self.world.serve_queue)

    @rule()
    def sweep_runs(self) -> None:
        self._in_trouble(self.world.sweep)

    @rule(skew=st.integers(-10 * MINUTE, 10 * MINUTE), clips=st.integers(0, 6))
    def machines_run_and_one_may_die(self, skew: int, clips: int) -> None:
        seen: list[int] = []

        def die(_: Worker) -> None:
            seen.append(1)
            if len(seen) == clips:
                raise Crash

        self.world.skew_ms, self.world.each_clip = skew, die
        self._in_trouble(self.world.run_machines)
        self.world.skew_ms, self.world.each_clip = 0, lambda _: None

    @rule(seconds=st.integers(1, 600))
    def time_passes(self, seconds: int) -> None:
        self.world.now += seconds * SECOND

    @rule(items=st.integers(1, 3))
    def index_hides_items(self, items: int) -> None:
        self.hidden = items

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
        _cancel(self.world)
        self.canceled = True

    def _in_trouble(self, step: Any) -> None:
        """A refused call may end the process; the next one goes on."""
        with suppress(ClientError, SweepFailedError):
            step()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.hidden = 0
        self.world.faults.refuse = lambda _: None
        try:
            self.world.settle()
            # Three deaths on the device, or as many silent boots, may end or delay a job, and both say so.
            found = violations(self.world, {"completed", "canceled", "failed"})
            assert [one for one in found if not one.startswith("taken_up_in_time")] == []
        finally:
            self.stack.close()


Deployment.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


TestDeployment = Deployment.TestCase
