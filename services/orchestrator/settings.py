"""The orchestrator's settings, from its environment."""

from __future__ import annotations

from services.common.settings import CommonSettings, Words


class OrchestratorSettings(CommonSettings):
    """Terraform sets everything that has no default; a test holds the two together."""

    unrecorded_models: Words = ()
    """Those of `models` that the lock of models does not hold; machines must not fetch them. Also `speakers`, if
    the deployment tells no speakers apart."""
    launch_template_id: str
    """The template of on-demand machines."""
    spot_launch_template_id: str
    """The template of spot machines, which tags their spot requests too."""
    subnet_ids: Words
    instance_types: Words
    """They have no order: EC2 chooses among them at each launch."""
    image_parameter: str
    """SSM parameter that holds the image's id, or `none` before one was built."""
    fallback_image_parameter: str
    """AWS's public parameter of a base image that provisions itself."""
    max_workers: int
    on_demand_after_minutes: float = 0
    """Minutes that a part waits for a spot machine before an on-demand one is launched; 0: it waits for ever."""
    launch_at_registration: bool = False
    """Whether a machine may start, and wait, for a recording that was registered and has not come yet."""
    max_lifetime_minutes: int = 720
    heartbeat_seconds: float = 10
    """Seconds between two heartbeats of a worker; the worker's settings have the same."""
    boot_seconds: int = 300
    """Seconds that a machine may take from its launch to its first report."""
    provision_seconds: int = 1_500
    """The same for a machine that must provision itself first."""
    warm_hours: str = ""
    """When machines are kept warm, as `warm_hours.py` reads it; empty: never. It is read by the sweep, so that a wrong
    one stops nothing else."""
    warm_zone: str = "Europe/Stockholm"
    """The IANA time zone of `warm_hours`."""
    worker_log_group: str = ""
    """The log group to which the consoles of machines that ended badly are copied; empty: they are not copied."""
