"""What the worker is told by its environment, or by its instance tags and their parameter (`identity.py`)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic_settings import SettingsConfigDict

from services.common.settings import CommonSettings


class WorkerSettings(CommonSettings):
    """Everything with a default may be left as it is; Terraform sets the rest."""

    # An image may be older than the deployment, which then tells it of what it does not know.
    model_config = SettingsConfigDict(extra="ignore")

    models_folder: Path | None = None
    """Holds a folder for each model, or one model's files; None: the packaged model or the hub, through a cache."""
    memory_folder: Path | None = None
    """A folder in memory, for models that lie in the bucket; None: the bucket is not asked for any."""
    device: str = "auto"
    """`auto`, `cpu` or `cuda`; what is promised here and missing ends the worker."""
    compute_type: Literal["auto", "int8", "int8_float16", "float16", "float32"] = "auto"
    """Numbers the model computes with; `auto`: int8 on a processor, int8_float16 on a GPU. A T4 knows no bfloat16."""
    self_test_likeness: float = 0.6
    """What is heard of the self-test's clip, against what is said in it, between 0 and 1. The weakest model known
    (whisper-base) reaches 0.9; 0 is for a model that knows no Swedish."""
    self_test_floor_cpu: float = 0.2
    self_test_floor_cuda: float = 1.5
    """Seconds of audio a second under which this kind of device is taken for broken (self_test.py)."""
    least_free_gib: float = 1.0
    """Room for recordings without which no work is taken."""
    fleet: bool = False
    """Whether this is one of the deployment's machines, which has a slot and says so in its tags."""
    log_group: str = ""
    """CloudWatch log group for the log's lines; empty: standard error only."""
    provision_seconds: float = 0
    """What a machine without an image of its own took until its worker started."""
    hang_seconds: float = 90
    """How long the worker's loop or its heartbeats may stand still before systemd is no longer told that it is well."""
    engine_patience_seconds: float = 60
    """How long the process that holds the model may be silent, beside ten times what the audio should take."""
    reader_patience_seconds: float = 120
    """How long a process that reads a recording may read nothing while somebody waits for it."""
    reader_memory_mib: int = 2048
    """What such a process may allocate; a usual one takes 150."""
    lease_seconds: float = 60
    """How long a silent worker keeps its parts."""
    heartbeat_seconds: float = 10
    idle_seconds: float = 45
    """Without work before the machine leaves."""
    index_lag_seconds: float = 3
    """How late the table's index may be, waited out before the last look at the queue."""
    poll_seconds: float = 1
    """Between looks at an empty queue."""
    checkpoint_seconds: float = 10
    """Machine time that an interruption may cost."""
    notice_seconds: float = 2
    """Between looks for a spot notice."""
    max_audio_hours: float = 24
    part_minutes: float = 30
    """Least length of a part of a long recording."""
    alone_minutes: float = 60
    """Longest recording that stays in one part."""
    max_lifetime_minutes: float = 720
    work_folder: Path | None = None
    """Where recordings are kept while they are worked on; None: the system's temporary folder."""
