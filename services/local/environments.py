"""The environments of the processes of a system on this machine."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.local import resources

if TYPE_CHECKING:
    from services.local.resources import Resources
    from services.local.stack import StackSettings

START_SECONDS = 8
"""From the queue to the claim on this machine, where a machine is a process; measured on two cores."""
INHERITED = ("PATH", "HOME", "XDG_CACHE_HOME", "COVERAGE_PROCESS_CONFIG")
"""The variables that the system's processes inherit: where programs and caches are, and the one by which coverage.py
measures every Python process. With further ones, a run could differ from one machine to the next.
"""


def of_aws(url: str) -> dict[str, str]:
    """What every process needs that calls AWS at this address."""
    keep = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return keep | {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        # A file of the user's, in whose folder this may run, is no module of ours.
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
    }


@dataclass(frozen=True, kw_only=True)
class Environments:
    """Of the processes that use what was made in the account."""

    settings: StackSettings
    made: Resources
    aws_url: str
    public_url: str
    """Where clients reach the API."""
    storage_url: str
    """Where they reach S3."""

    def common(self) -> dict[str, str]:
        """What API, orchestrator and workers are told alike."""
        return {
            "TABLE_NAME": resources.TABLE,
            "BUCKET_NAME": resources.BUCKET,
            "DEPLOYMENT": resources.DEPLOYMENT,
            "SECRETS_KEY_ID": self.made.secrets_key_id,
            "PUBLIC_URL": self.public_url,
            "MODELS": ",".join(self.settings.models),
            "RETENTION_DAYS": "30",
            "LOG_LEVEL": "info",
        }

    def _service(self) -> dict[str, str]:
        region = {"AWS_DEFAULT_REGION": resources.REGION, "AWS_REGION": resources.REGION}
        return of_aws(self.aws_url) | region | self.common() | {"WEBHOOK_ALLOW_PRIVATE": "1"}

    def api(self) -> dict[str, str]:
        # The address of storage that is in links is the one that the API itself calls.
        storage = {"AWS_ENDPOINT_URL_S3": self.storage_url} if self.settings.line else {}
        return (
            self._service()
            | storage
            | {
                "UNRECORDED_MODELS": ",".join(self.settings.unrecorded_models),
                "CORS_ORIGINS": ",".join(self.settings.cors_origins),
                "EARLY_LAUNCH_QUEUE_URL": self.made.queue_url if self.settings.launch_at_registration else "",
                "EARLY_LAUNCH_SECONDS": str(self.settings.early_launch_seconds),
                "START_SECONDS": str(START_SECONDS),
            }
        )

    def orchestrator(self) -> dict[str, str]:
        return self._service() | {
            "UNRECORDED_MODELS": ",".join(self.settings.unrecorded_models),
            "LAUNCH_TEMPLATE_ID": self.made.launch_template_ids["on-demand"],
            "SPOT_LAUNCH_TEMPLATE_ID": self.made.launch_template_ids["spot"],
            "SUBNET_IDS": ",".join(self.made.subnet_ids),
            "INSTANCE_TYPES": ",".join(resources.INSTANCE_TYPES),
            "IMAGE_PARAMETER": resources.IMAGE_PARAMETER,
            "FALLBACK_IMAGE_PARAMETER": resources.FALLBACK_IMAGE_PARAMETER,
            "MAX_WORKERS": str(self.settings.max_workers),
            "ON_DEMAND_AFTER_MINUTES": str(self.settings.on_demand_after_minutes),
            "WARM_HOURS": json.dumps(self.settings.warm_hours) if self.settings.warm_hours else "",
            "HEARTBEAT_SECONDS": str(self.settings.heartbeat_seconds),
            "BOOT_SECONDS": str(self.settings.boot_seconds),
            "WORKER_LOG_GROUP": resources.WORKER_LOG_GROUP,
            "LAUNCH_AT_REGISTRATION": str(self.settings.launch_at_registration),
        }

    def worker(self) -> dict[str, str]:
        """A worker's environment; all its other settings come from tags and the parameter, as on EC2."""
        times = {
            "LEASE_SECONDS": self.settings.lease_seconds,
            "HEARTBEAT_SECONDS": self.settings.heartbeat_seconds,
            "IDLE_SECONDS": self.settings.idle_seconds,
            "INDEX_LAG_SECONDS": 0.2,
            "POLL_SECONDS": 0.1,
            "NOTICE_SECONDS": 0.5,
        }
        folder = self.settings.models_folder
        return (
            of_aws(self.aws_url)
            | {"WEBHOOK_ALLOW_PRIVATE": "1"}
            | ({"MODELS_FOLDER": str(folder)} if folder else {})
            | {name: str(value) for name, value in times.items()}
            | dict(self.settings.worker)
        )
