"""Lambda's part: a package runs under the real runtime client and Python 3.13, behind a Runtime API of a few lines."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
import uuid
import zipfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tools.package import lambda_python

INVOCATIONS = "/2018-06-01/runtime/invocation/"


class FunctionError(Exception):
    """The function raised, or could not be imported; the message is what it reported."""


class Function:
    """One function, one call at a time."""

    def __init__(self, package: Path, runtime: Path, configuration: Mapping[str, Any], more: Mapping[str, str]) -> None:
        """`configuration` as Lambda's GetFunctionConfiguration gives it; `more` joins its environment."""
        self._timeout: int = configuration["Timeout"]
        self._asked: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answers: queue.Queue[tuple[bool, bytes]] = queue.Queue()
        self._one_at_a_time = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._runtime_api())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.name: str = configuration["FunctionName"]
        name = self.name
        folder = package.parent / f"{name}-unpacked"
        with zipfile.ZipFile(package) as archive:
            archive.extractall(folder)
        paths = [*(part for part in (more.get("PYTHONPATH"),) if part), str(folder), str(runtime)]
        environment = {
            **configuration["Environment"]["Variables"],
            **more,
            "PYTHONPATH": ":".join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration["MemorySize"]),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "test",
            "LAMBDA_TASK_ROOT": str(folder),
        }
        python = lambda_python()
        assert python, "Lambda's Python is not on this machine, and cannot be fetched"
        self.log = package.parent / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [python, "-s", "-m", "awslambdaric", configuration["Handler"]],
                env=environment,
                cwd=folder,
                stdout=log,
                stderr=log,
            )

    def __call__(self, event: Mapping[str, Any], _context: object = None) -> dict[str, Any]:
        """Invoke, and wait for the answer.

        Raises:
            FunctionError: it raised.
            queue.Empty: it took longer than its timeout.

        """
        with self._one_at_a_time:
            self._asked.put((str(uuid.uuid4()), json.dumps(event).encode()))
            succeeded, body = self._answers.get(timeout=self._timeout)
        if not succeeded:
            raise FunctionError(body.decode())
        answer: dict[str, Any] = json.loads(body)
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._server.shutdown()
        self._server.server_close()

    def _runtime_api(self) -> type[BaseHTTPRequestHandler]:
        function = self

        class RuntimeApi(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                request_id, event = function._asked.get()
                deadline = time.time() + function._timeout
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(event)))
                self.send_header("Lambda-Runtime-Aws-Request-Id", request_id)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int(deadline * 1_000)))
                self.send_header(
                    "Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-north-1:123456789012:function:f"
                )
                self.end_headers()
                self.wfile.write(event)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                function._answers.put((self.path.startswith(INVOCATIONS) and self.path.endswith("/response"), body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """The functions' own logs say more."""

        return RuntimeApi
