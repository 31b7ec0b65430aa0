"""The worker's settings, from its environment, or from the parameter that its instance tags name (`identity.py`)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic_settings import SettingsConfigDict

from services.common.settings import CommonSettings


class WorkerSettings(CommonSettings):
    """The worker's settings. Terraform sets those without a default, and some of the others."""

    # An image may be older than the deployment, whose settings it does not all know.
    model_config = SettingsConfigDict(extra="ignore")

    models_folder: Path | None = None
    """Holds a folder for each model, or one model's files; None: the packaged model or the hub, through a cache."""
    memory_folder: Path | None = None
    """A folder in memory, for models that lie in the bucket; None: the bucket is not asked for any."""
    device: str = "auto"
    """`auto`, `cpu` or `cuda`; with `cuda` on a machine without a GPU, the worker ends."""
    compute_type: Literal["auto", "int8", "int8_float16", "float16", "float32"] = "auto"
    """The format of the model's numbers; `auto`: int8 on a CPU, int8_float16 on a GPU. A T4 cannot use bfloat16."""
    self_test_likeness: float = 0.6
    """How alike the text of the self-test's clip and its words have to be, from 0 to 1. The weakest known model
    (whisper-base) reaches 0.9; 0 is for a model that knows no Swedish."""
    self_test_floor_cpu: float = 0.2
    self_test_floor_cuda: float = 1.5
    """Speeds, in seconds of audio a second, under which a device of this kind counts as broken (self_test.py)."""
    least_free_gib: float = 1.0
    """How much room for recordings the disk must have before work is taken."""
    fleet: bool = False
    """Whether this is one of the deployment's machines, whose tags name its slot."""
    log_group: str = ""
    """The CloudWatch log group to which the log is sent; empty: standard error only."""
    provision_seconds: float = 0
    """How long a machine that was provisioned at boot took until its worker started."""
    hang_seconds: float = 90
    """How long the worker's loop or its heartbeats may hang before systemd's watchdog is no longer pinged."""
    engine_patience_seconds: float = 60
    """How long the process that holds the model may send nothing, beyond ten times the time that its audio takes."""
    reader_patience_seconds: float = 120
    """How long a process that reads a recording may make no progress while the worker waits for it."""
    reader_memory_mib: int = 2048
    """How much memory such a process may allocate; it usually needs 150 MiB."""
    lease_seconds: float = 60
    """How long a worker without heartbeats keeps its parts."""
    heartbeat_seconds: float = 10
    idle_seconds: float = 45
    """How long a machine is without work before it leaves."""
    index_lag_seconds: float = 3
    """How late the table's index may be; a worker waits so long before its last look at the queue."""
    poll_seconds: float = 1
    """The pause between two looks at an empty queue."""
    checkpoint_seconds: float = 10
    """The pause between two checkpoints, which is the machine time that an interruption may cost."""
    notice_seconds: float = 2
    """The pause between two looks for a spot notice."""
    max_audio_hours: float = 24
    part_minutes: float = 30
    """The least length of a part of a long recording."""
    alone_minutes: float = 60
    """The length of the longest recording that stays in one part."""
    max_lifetime_minutes: float = 720
    work_folder: Path | None = None
    """Where recordings are kept while they are worked on; None: the system's temporary folder."""
