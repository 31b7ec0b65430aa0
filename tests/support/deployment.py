"""What Terraform made in the emulator, running: the real packages, a worker for each machine, and AWS's part."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from services.common.domain.ids import new_api_key
from services.common.domain.times import now_ms
from services.common.store.store import Store
from services.local.ec2 import MARKETS_PATH, EmulatedMachines
from services.local.functions import EventSourceMapping, Schedule
from services.local.gateway_rules import GatewayRules
from tests.support.emulator import Emulator
from tests.support.http_api import HttpApi
from tests.support.lambdas import Function
from tests.support.random_model import UNTRAINED
from tools import package

ROOT = Path(__file__).parents[2]
REGION = "eu-north-1"
# These times are short, since machines here need no time to boot; the names are the services' own.
TIMES = {"LEASE_SECONDS": "3", "HEARTBEAT_SECONDS": "1"}
EARLY_LAUNCH_SECONDS = "5"
"""How long a machine may wait for a registered upload: no test here waits for one that stays longer."""
WORKER_TIMES = (
    TIMES
    | UNTRAINED
    | {
        # Two minutes are a long recording here, so that it is cut into parts and merged.
        "ALONE_MINUTES": "1",
        "PART_MINUTES": "0.5",
        "CHECKPOINT_SECONDS": "0.1",
        "IDLE_SECONDS": "2",
        "INDEX_LAG_SECONDS": "0.2",
        "POLL_SECONDS": "0.2",
        "NOTICE_SECONDS": "0.5",
    }
)
SWEEP_SECONDS = 2


class Deployment:
    """Functions and machines of one deployment; `calls/` below the folder holds what each service asked of AWS."""

    def __init__(self, emulator: Emulator, folder: Path, outputs: dict[str, Any], models: Path) -> None:
        self._emulator = emulator
        self._folder = folder
        self._outputs = outputs
        self._models = models
        self._cleanup = ExitStack()
        self.calls = folder / "calls"
        self.calls.mkdir(exist_ok=True)
        self.store = Store(emulator.client("dynamodb"), outputs["table_name"])
        self.s3 = emulator.client("s3")
        self.bucket: str = outputs["bucket_name"]

    def __enter__(self) -> Self:
        client = self._emulator.client
        runtime = self._folder / "runtime"
        if not runtime.exists():
            package.install_runtime(runtime)
        self.orchestrator = self._function("orchestrator", self._outputs["function_names"][0], runtime)
        self.api = self._function("api", self._outputs["function_names"][1], runtime)
        http = HttpApi(self.api, self._gateway_rules())
        self._cleanup.callback(http.close)
        self.api_url = http.url
        queue_url = client("sqs").get_queue_url(QueueName=self._outputs["queue_names"][0])["QueueUrl"]
        mapping = EventSourceMapping(client("sqs"), queue_url, self.orchestrator)
        schedule = Schedule(self.orchestrator, SWEEP_SECONDS)
        worker = self._environment("gpu_worker") | WORKER_TIMES | {"MODELS_FOLDER": str(self._models)}
        self.machines = EmulatedMachines(client("ec2"), worker, self._folder, deployment=self._outputs["deployment"])
        self._cleanup.callback(self.machines.close)
        for part in (mapping, schedule):
            part.start()
            self._cleanup.callback(part.stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error:
            sys.stdout.write("\n".join(f"== {log.name}\n{log.read_text()}" for log in self._folder.rglob("*.log")))

    def close(self) -> None:
        """End the functions and the machines; what Terraform made stays."""
        self._cleanup.close()

    def new_client(self, client_id: str) -> str:
        """Make a client known, as the command line does; returns an API key of its own."""
        api_key = new_api_key()
        self.store.clients.register(client_id)
        self.store.clients.add_key(api_key, client_id=client_id, name="test", now=now_ms())
        return api_key

    def set_quotas(self, **vcpus: int) -> None:
        """Let so many vCPUs run on a market, `spot` or `on-demand`."""
        url = f"{self._emulator.endpoint}{MARKETS_PATH}"
        httpx.post(url, json={"quotas": vcpus}, trust_env=False).raise_for_status()

    def describe(self, instance_id: str) -> dict[str, Any]:
        """A machine as EC2 sees it."""
        reply = self._emulator.client("ec2").describe_instances(InstanceIds=[instance_id])
        instance: dict[str, Any] = reply["Reservations"][0]["Instances"][0]
        return instance

    def log_lines(self) -> Iterator[tuple[str, str]]:
        """What functions and machines have logged so far: the group, and a line."""
        for function in (self.orchestrator, self.api):
            # The last line may be in the middle of being written.
            for line in function.log.read_text("utf-8").split("\n")[:-1]:
                yield f"/aws/lambda/{function.name}", line
        logs = self._emulator.client("logs")
        for group in logs.describe_log_groups()["logGroups"]:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
            for event in (event for page in pages for event in page["events"]):
                yield group["logGroupName"], event["message"]

    def make_overdue(self, job_id: str, *also: str) -> None:
        """Let the time pass after which the sweep looks at an erased job again; `also`: further times that pass."""
        self._emulator.client("dynamodb").update_item(
            TableName=self._outputs["table_name"],
            Key={"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}},
            UpdateExpression="SET " + ", ".join(f"{time} = :long_ago" for time in ("due_at", *also)),
            ConditionExpression="attribute_exists(due_kind)",
            ExpressionAttributeValues={":long_ago": {"N": "1"}},
        )

    def _gateway_rules(self) -> GatewayRules:
        """What Terraform made of the gateway."""
        gateway = self._emulator.client("apigatewayv2")
        (api,) = gateway.get_apis()["Items"]
        routes = gateway.get_routes(ApiId=api["ApiId"])["Items"]
        return GatewayRules(routes=[route["RouteKey"] for route in routes], cors=api.get("CorsConfiguration"))

    def _function(self, service: str, name: str, runtime: Path) -> Function:
        configuration = self._emulator.client("lambda").get_function_configuration(FunctionName=name)
        early = {"EARLY_LAUNCH_SECONDS": EARLY_LAUNCH_SECONDS} if service == "api" else {}
        package_path = self._folder / "dist" / f"{service}.zip"
        function = Function(package_path, runtime, configuration, self._environment(service) | TIMES | early)
        self._cleanup.callback(function.close)
        return function

    def _environment(self, service: str) -> dict[str, str]:
        """What Lambda and EC2 give a process, and where it finds the emulator."""
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "AWS_ENDPOINT_URL": self._emulator.endpoint,
            "AWS_ACCESS_KEY_ID": service,
            "AWS_SECRET_ACCESS_KEY": service,
            # Lambda tells a function its region; a machine has to find its own in its metadata.
            **({} if service == "gpu_worker" else {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}),
            # Terraform takes whole minutes, and a test has not one.
            "ON_DEMAND_AFTER_MINUTES": "0.02",
            "AWS_CALLS": str(self.calls / f"{service}.jsonl"),
            "PYTHONPATH": str(Path(__file__).parent / "recorder") + ("" if service != "gpu_worker" else f":{ROOT}"),
            # Receivers in tests listen on loopback; no variable of Terraform reaches this.
            "WEBHOOK_ALLOW_PRIVATE": "1",
        }
