"""What a cold start may load: imports are what a Lambda's first caller waits for, and every process of a worker.

And what a library does behind everybody's back when it is loaded.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"fastapi", "httpx", "numpy", "faster_whisper", "ctranslate2", "av", "onnx", "onnxruntime", "docx", "lxml"}


def loaded(module: str) -> set[str]:
    """The top-level packages that importing a module brings along, in a fresh process."""
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("services.orchestrator.handler", HEAVY),
        ("services.api.handler", HEAVY - {"fastapi", "httpx"}),
        ("services.gpu_worker.main", HEAVY - {"httpx"}),
        ("services.gpu_worker.__main__", HEAVY | {"boto3", "structlog"}),
        ("services.gpu_worker.machine.self_test", HEAVY | {"boto3"}),
        ("services.common.transcript.formats", HEAVY | {"boto3", "structlog"}),
    ],
)
def test_a_cold_start_loads_nothing_heavy(module: str, unwanted: set[str]) -> None:
    assert not loaded(module) & unwanted


def test_numpy_keeps_no_threads_beside_the_engines() -> None:
    code = "import os, services.gpu_worker.engine, numpy; print(len(os.listdir('/proc/self/task')))"
    ours = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=ours)
    assert told.stdout.strip() == "1"


def test_no_library_of_the_engine_keeps_a_report_for_its_makers(tmp_path: Path) -> None:
    """Onnxruntime writes down what it will send, under an identifier of the machine, once a session is made."""
    code = "from services.gpu_worker.engine.plan.silero import network; network()"
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    ours = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    subprocess.run([sys.executable, "-c", code], check=True, env=ours | home)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
