"""A deployment in which everything has a private name, and a walk through all that it does."""

from __future__ import annotations

import itertools
import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from services.api.early_launch import HASTY
from services.common.domain.times import HOUR_MS, MINUTE_MS
from services.common.webhooks import transport
from services.common.webhooks.dispatch import Dispatcher
from services.common.webhooks.outcome import AttemptOutcome
from services.gpu_worker import main
from services.gpu_worker.engine.decode.model_files import NEEDED, relative
from services.gpu_worker.image import bucket_models
from services.gpu_worker.image.bucket_models import BucketModels
from services.gpu_worker.image.models import Models
from services.gpu_worker.machine import log_shipping
from services.gpu_worker.machine.identity import introduce
from services.gpu_worker.machine.log_shipping import LogShipping
from services.gpu_worker.machine.metadata import Machine
from services.gpu_worker.machine.retrying import Retrying
from services.local.resources import CONFIG_PARAMETER
from services.orchestrator import handler
from tests.support.ec2 import FakeEc2
from tests.support.failing_calls import FailingCalls
from tests.support.gateway import Client, Gateway
from tests.support.inline import InlineExecutor
from tests.support.step_world import StepWorld
from tests.support.world import BUCKET

NAME, PROMPT, HOTWORDS, TOKEN = "hemligt möte med Åsa Öberg.mp3", "kodordet kanariefågel", "Älvsjö", "token-4711-hemlig"
IDEMPOTENCY = "hemlig-avsikt"
REFERENCE, NOTE, SPEAKER = "hemligt ärende 4711", "hemlig avdelning", "hemlig talare"
LIST, WORD = "hemlig-ordlista-4711", "kodnamnet Älgtjuren"
PRIVATE = (NAME, PROMPT, HOTWORDS, TOKEN, IDEMPOTENCY, REFERENCE, NOTE, SPEAKER, LIST, WORD, "Åsa Öberg", "whsec_")
GROUP = "/transcribe/worker"
MODEL = "whisper-base"
MOST_FAILURES = 20
"""Of one request, or of one machine's workers: more calls none makes."""


@dataclass
class Private:
    """What no log may hold, in whatever spelling."""

    words: list[str] = field(default_factory=lambda: [*PRIVATE])

    def spellings(self) -> set[str]:
        ways = (
            str,
            quote,
            quote_plus,
            lambda word: json.dumps(word)[1:-1],
            lambda word: word.encode().decode("latin-1"),
            lambda word: repr(word.encode())[2:-1],
        )
        return {way(word) for word in self.words for way in ways}

    def all(self) -> str:
        """In one string."""
        return " ".join(self.words)


class PrivateWorld(StepWorld):
    """Messages, receivers and the worker's way into the world are real, as far as one process can have them."""

    def prepare(self, private: Private, calls: FailingCalls, ports: list[int], folder: Path) -> None:
        """`ports`: where receivers listen, each with ways of its own; `folder`: for models."""
        self.private, self.calls, self.ports, self.folder = private, calls, ports, folder
        self.ec2 = FakeEc2(calls.around, lambda: None)
        self.aws.disturb(self.faults, self.ec2)
        self.orchestrator_settings.worker_log_group = GROUP
        # By S3's clock, which says how old an upload is.
        self.now = int(time.time() * 1_000)
        queue_url = self.aws.sqs(HASTY).create_queue(QueueName="uploads")["QueueUrl"]
        self.gateway = Gateway(self, models=(MODEL,), webhook_allow_private=True, early_launch_queue_url=queue_url)
        self.alice: Client = self.gateway.client("alice")
        private.words.append(self.alice.api_key)
        for number, port in enumerate(ports):
            self.callback(self._receiver(port), name=f"cb_{number}", events=["transcription.completed"])
        settings = {**self.worker_settings.model_dump(mode="json", exclude_none=True), "log_group": GROUP}
        self.aws.ssm().put_parameter(Name=CONFIG_PARAMETER, Value=json.dumps(settings), Type="String")
        self.aws.logs().create_log_group(logGroupName=GROUP)
        for file in (*NEEDED, "digests.json"):
            content = json.dumps({"revision": "1", "sha256": dict.fromkeys(NEEDED, "0")}).encode()
            self.s3.put_object(Bucket=BUCKET, Key=f"models/{relative(MODEL)}/{file}", Body=content)
        self.lambdas: list[str] = []
        """What Lambda's runtime writes of what leaves a handler."""
        self.notes: list[str] = []
        """What machines said in their slots."""
        self._keys = itertools.count()

    def stand_in(self, patch: pytest.MonkeyPatch) -> None:
        """Let handler and worker find this world instead of the one that their environment tells of."""
        patch.setattr(handler, "build", self.orchestrator)
        patch.setattr(main, "run", self.run_worker)
        patch.setattr(bucket_models, "ThreadPoolExecutor", InlineExecutor)
        patch.setattr(log_shipping, "INTERVAL_SECONDS", 0.01)

    def dispatcher(self, name: str) -> Dispatcher:
        return Dispatcher(self.store, self.vault, sender=name, clock=self.clock, allow_private=True)

    def post(self, url: str, headers: dict[str, str], body: bytes, **_: Any) -> AttemptOutcome:
        return transport.post(url, headers, body, allow_private=True, deadline_seconds=0.1)

    def walk(self, number: int, *, silent: bool) -> None:
        """Once through everything; whatever fails is left for the next time. `silent`: no machine reports."""
        self.parts = 1 + 2 * (number % 2)
        self.now = (self.now // HOUR_MS + 1) * HOUR_MS  # when the orchestrator searches for uploads
        self._set_defaults(number)
        with self.calls.of("api"):
            self._make_vocabulary()
            job, other = self._make_callbacks(), self._make_job()
            self._ask(f"/api/jobs/{other['job_id']}/cancel")
            self._make_job()  # to which nothing ever comes
            in_parts = f"/api/jobs/{self._make_job(multipart=True, size=5)['job_id']}/upload"
            self._ask(in_parts)
        self._send_part(in_parts.split("/")[3])
        with self.calls.of("api"):
            self._ask(in_parts)
            self._ask(f"{in_parts}/complete")
        self._upload(job["upload"]["fields"]["key"], number)
        self._upload(f"uploads/alice/{number}/{NAME}", number)
        with self.calls.of("orchestrator"):
            self._serve()
            self._sweep(0)
        if not silent:
            with self.calls.of("gpu_worker"):
                self._run_workers()
        with self.calls.of("api"):
            self._see_to(f"/api/jobs/{job['job_id']}")
            self._call("DELETE", f"/api/vocabularies/{LIST}")
        with self.calls.of("orchestrator"):
            for minutes in (2, 25, 2, 90):
                self._sweep(minutes)

    def _receiver(self, port: int) -> str:
        return f"http://127.0.0.1:{port}/{TOKEN}"

    def _call(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        """Asked again where something behind the API fails, as clients do."""
        key = f"{IDEMPOTENCY}-{next(self._keys)}"
        for _ in range(MOST_FAILURES):
            reply = self.alice.call(method, path, body, idempotency_key=key, **headers)
            if reply.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                break
        content: dict[str, Any] = json.loads(reply.body) if reply.body else {}
        self.private.words += [value for name, value in content.items() if name == "secret"]
        return content

    def _ask(self, path: str, body: Any = None) -> dict[str, Any]:
        return self._call("POST", path, body)

    def _make_callbacks(self) -> dict[str, Any]:
        made = self._ask("/api/callbacks", {"url": self._receiver(self.ports[0]), "description": NAME})
        path = f"/api/callbacks/{made['callback_id']}"
        for action in ("rotate", "test"):
            self._ask(f"{path}/{action}")
        self._call("PATCH", path, {"prefix": NAME})
        for asked in ("/api/callbacks", path, f"{path}/deliveries", "/api/jobs", "/api/events", f"/api/{quote(NAME)}"):
            self._call("GET", asked)
        self._call("DELETE", path)
        self._ask("/api/jobs", {"file_name": [NAME], "options": {NAME: PROMPT}})
        return self._make_job()

    def _make_vocabulary(self) -> None:
        for name, words in ((LIST, [WORD]), (LIST, [WORD]), (NAME, [WORD]), (LIST, [WORD, WORD])):
            self._ask("/api/vocabularies", {"name": name, "words": words})
        self._call("PATCH", f"/api/vocabularies/{LIST}", {"words": [WORD, HOTWORDS]})
        for asked in ("/api/vocabularies", f"/api/vocabularies/{LIST}", f"/api/vocabularies/{quote(WORD)}"):
            self._call("GET", asked)

    def _set_defaults(self, number: int) -> None:
        """Plain uploads get the vocabulary, or what can only be left out."""
        wrong = {"vocabulary": NAME, "model": TOKEN, "tempo": NOTE, "channels": WORD}
        with self.calls.of(""):
            options = {"prompt": PROMPT, "hotwords": HOTWORDS, "vocabulary": LIST}
            self.store.clients.set_defaults("alice", options | (wrong if number % 2 else {}))

    def _make_job(self, **more: Any) -> dict[str, Any]:
        options = {"prompt": PROMPT, "hotwords": HOTWORDS, "vocabulary": LIST, "formats": ["txt", "json"]}
        callback = {"url": self._receiver(self.ports[0])}
        words = {"reference": REFERENCE, "metadata": {NOTE: NOTE}, "names": [SPEAKER]}
        return self._ask("/api/jobs", {"file_name": NAME, "options": options, "callback": callback, **words, **more})

    def _see_to(self, path: str) -> None:
        for words in ({"reference": REFERENCE}, {"metadata": {NOTE: NOTE}}, {"metadata": {NOTE: 1}}, {NOTE: NOTE}):
            self._call("PATCH", path, words)
        for names in ([SPEAKER, SPEAKER], [SPEAKER * 10], SPEAKER):
            self._call("PATCH", path, {"names": names})
        self._call("GET", f"{path}/transcript?format=txt")
        self._call("GET", f"{path}/transcript?format=json&version=latest")
        for upon, speaker in (('"0"', 0), ('"0"', None), ('"1"', 0), (NOTE, 0)):
            segment = {"speaker": speaker, "pieces": [f"{NOTE} {SPEAKER}"]}
            changes = [{"first": 0, "end": 0, "segments": [segment]}]
            self._call("PUT", f"{path}/correction", {"changes": changes}, if_match=upon)
        for asked in ("words", "correction", "correction?number=1", "transcript?format=json&version=1"):
            self._call("GET", f"{path}/{asked}")
        for delivery in self._call("GET", f"{path}/deliveries")["deliveries"][:1]:
            self._ask(f"{path}/deliveries/{delivery['delivery_id']}/redeliver")
        self._ask(f"{path}/retry")
        self._call("DELETE", path)

    def _send_part(self, job_id: str) -> None:
        job = self.store.jobs.get(job_id)
        if job and job.multipart:
            about = {"Bucket": BUCKET, "Key": job.source_key, "UploadId": job.multipart["upload_id"]}
            self.s3.upload_part(**about, PartNumber=1, Body=b"sound")

    def _upload(self, key: str, number: int) -> None:
        etag = self.s3.put_object(Bucket=BUCKET, Key=key, Body=b"sound" * (1_000 + number))["ETag"].strip('"')
        if "job_" not in key and number == 0:
            return  # S3 has lost the event
        record = {
            "eventVersion": "2.1",
            "eventName": "ObjectCreated:Put",
            "eventTime": "2027-01-15T08:00:00.000Z",
            "s3": {"bucket": {"name": BUCKET}, "object": {"key": quote_plus(key), "eTag": etag, "size": 5_000}},
        }
        self.queue.append({"messageId": f"m{len(self.queue)}", "body": json.dumps({"Records": [record]})})

    def _invoke(self, event: dict[str, Any]) -> dict[str, Any] | None:
        context: Any = SimpleNamespace(aws_request_id="lambda-1", get_remaining_time_in_millis=lambda: 50_000)
        try:
            return handler.handler(event, context)
        except Exception as error:  # noqa: BLE001 - as Lambda does
            self.lambdas.append(f"[ERROR] {type(error).__name__}: {error}")
            return None

    def _serve(self) -> None:
        """What fails comes again, until nothing does."""
        for _ in range(MOST_FAILURES):
            answer = self._invoke({"Records": self.queue})
            if answer is not None:
                failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
                self.queue = [message for message in self.queue if message["messageId"] in failed]
            if not self.queue:
                return

    def _sweep(self, minutes: int) -> None:
        self.now += minutes * MINUTE_MS
        self._invoke({"kind": "sweep"})

    def _run_workers(self) -> None:
        """A worker that fails is started again, and so is one that left what rests, until nothing is left."""
        for machine in self.ec2.running[:1]:
            self._machine = machine
            for _ in range(MOST_FAILURES):
                status = main.main()
                with self.calls.of(""):
                    self.notes += [slot.note for slot in self.store.slots.all() if slot.note]
                    waits = any(self.store.parts.queue())
                if status == 0 and not waits:
                    break
                self.now += 3 * MINUTE_MS
            self.ec2.end(machine["InstanceId"])

    def run_worker(self, shipping: LogShipping, _: object = None) -> None:
        """As `main.run`, with an engine of steps and this world's clock."""
        tags = {tag["Key"]: tag["Value"] for tag in self._machine["Tags"]} | {"transcribe-config": CONFIG_PARAMETER}
        machine = Machine(
            instance_id=self._machine["InstanceId"], instance_type="g4dn.xlarge", zone="a", region="", tags=tags
        )
        retrying = Retrying(threading.Event())
        identity, settings = retrying(partial(introduce, machine, "worker", self.aws))
        shipping.start(self.aws.logs(), settings.log_group, identity.owner)
        Models(BucketModels(self.s3, BUCKET, retrying), folder=None, memory=self.folder).ready(MODEL)
        worker = self.worker(self._machine)
        try:
            worker.work()
        except Exception as error:
            with suppress(ValueError):  # of no library that there is
                main._mark(worker.presence, error)  # noqa: SLF001 - what `run` does, and no more of it
            raise

    def shipped(self) -> list[str]:
        """What reached CloudWatch."""
        logs = self.aws.logs()
        return [
            event["message"]
            for stream in logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
            for event in logs.get_log_events(logGroupName=GROUP, logStreamName=stream["logStreamName"], limit=10_000)[
                "events"
            ]
        ]
