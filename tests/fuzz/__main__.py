"""Schemathesis against the API over a real socket: every operation, every check, links for stateful runs.

`nox -s api_fuzz`; further arguments go to `schemathesis run`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from services.api import multipart
from services.api.service import Service
from services.common.domain.ids import new_id
from services.common.domain.lifecycle.job_changes import Outcome
from services.common.domain.options import FORMATS
from services.common.domain.records import Job
from services.common.domain.times import DAY_MS
from services.common.store.leases import FencedError, JobChangedError
from tests.support.api_jobs import keep_words
from tests.support.gateway import Gateway
from tests.support.transcripts import call
from tests.support.world import BUCKET, World, emulated

EXAMPLES = 100
UNLIMITED = 1_000_000_000
FAILED = Outcome(error={"code": "INTERNAL", "message": "It broke.", "retryable": True})
FILES = {form: {"key": f"results/x/1/transcript.{form}", "bytes": 5, "sha256": "0" * 64} for form in FORMATS}
COMPLETED = Outcome(result={"attempt": 1, "prefix": "results/x/1/", "files": FILES})
HEARD = call(words=True)


def work(world: World, stop: threading.Event) -> None:
    """Play the machines: of three jobs with a form, one completes, one fails and one is left as it is."""
    seen: dict[str, None] = {}
    while not stop.wait(0.5):
        for job_id in world.store.jobs.overdue_uploads(world.clock() + DAY_MS, 1_000):
            job = world.store.jobs.get(job_id)
            if job_id in seen or job is None or "multipart" in job.declared:
                continue
            seen[job_id] = None
            if len(seen) % 3:
                try:
                    ended = world.ended(world.arrived(job_id), FAILED if len(seen) % 3 == 1 else COMPLETED)
                except (AssertionError, FencedError, JobChangedError):
                    continue  # canceled, erased or updated at the same moment
                if ended.result:
                    keep_words(world, ended, HEARD)


def send_at_once(patch: pytest.MonkeyPatch, world: World) -> None:
    """Play the client that sends its parts, as soon as it gets their links."""
    begin = multipart.begin

    def begin_and_send(job: Job, wired: Service) -> dict[str, Any]:
        begun = begin(job, wired)
        about = {"Bucket": BUCKET, "Key": job.source_key, "UploadId": begun["upload_id"]}
        world.s3.upload_part(**about, PartNumber=1, Body=bytes(job.declared["size"]))
        return begun

    patch.setattr(multipart, "begin", begin_and_send)


@contextmanager
def served(world: World) -> Iterator[tuple[str, str]]:
    """The API on a socket of this machine; gives its address and a key without limit."""
    gateway = Gateway(world)
    client = gateway.client("fuzz", limit=UNLIMITED)
    world.callback("https://hooks.example.com/", client_id="fuzz", name=new_id("cb"))
    client.post("/api/vocabularies", {"name": "council", "words": ["Umeå"]})
    server = uvicorn.Server(uvicorn.Config(gateway.app, port=0, log_level="warning"))
    stop = threading.Event()
    threads = [threading.Thread(target=server.run), threading.Thread(target=work, args=(world, stop))]
    for thread in threads:
        thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", client.api_key
    finally:
        stop.set()
        server.should_exit = True
        for thread in threads:
            thread.join()


def main() -> int:
    with pytest.MonkeyPatch.context() as patch, emulated(patch) as world, served(world) as (address, api_key):
        patch.setattr("services.common.store.callbacks.MAX_LISTENERS", UNLIMITED)
        patch.setattr("services.common.store.vocabularies.MAX_VOCABULARIES", UNLIMITED)
        send_at_once(patch, world)
        return subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/openapi.json"),
                *("--header", f"Authorization: Bearer {api_key}"),
                *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"),
                *("--max-examples", str(EXAMPLES)),
                *sys.argv[1:],
            ],
            env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.fuzz.hooks"},
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
