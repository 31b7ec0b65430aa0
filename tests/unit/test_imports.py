"""What a cold start may load: imports are what a Lambda's first caller waits for, and every process of a worker."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"fastapi", "httpx", "numpy", "faster_whisper", "ctranslate2", "av", "onnxruntime"}


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
    ],
)
def test_a_cold_start_loads_nothing_heavy(module: str, unwanted: set[str]) -> None:
    assert not loaded(module) & unwanted
