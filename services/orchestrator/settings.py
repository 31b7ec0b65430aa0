"""What the orchestrator is told by its environment."""

from __future__ import annotations

from services.common.settings import CommonSettings, Words


class OrchestratorSettings(CommonSettings):
    """Terraform sets everything that has no default; a test holds the two together."""

    unrecorded_models: Words = ()
    """Those of `models` that the lock does not know, so that no machine may fetch them."""
    launch_template_id: str
    subnet_ids: Words
    instance_types: Words
    """In order of preference."""
    image_parameter: str
    """SSM parameter that holds the image's id, or `none` before one was built."""
    fallback_image_parameter: str
    """AWS's public parameter of a base image that provisions itself."""
    max_workers: int
    on_demand_after_minutes: int = 0
    """How long spot capacity is waited for before on-demand is paid; 0: for ever."""
    max_lifetime_minutes: int = 720
    heartbeat_seconds: float = 10
    """How often workers are heard of; as in the worker's settings."""
    boot_seconds: int = 300
    """How long a machine may take from launch to its first report."""
    provision_seconds: int = 1_500
    """The same for a machine that must provision itself."""
    lease_seconds: float = 60
    worker_log_group: str = ""
    """Where the consoles of machines that went wrong are copied to; empty: nowhere."""
