"""The API's Lambda handler: HTTP API events (v2.0) through Mangum to the application."""

from __future__ import annotations

from mangum import Mangum

from services.api.app import create_app
from services.api.service import Service
from services.api.settings import ApiSettings
from services.common import logs
from services.common.aws import Aws
from services.common.settings import load


def build() -> Service:
    """Clients are made at the first request, so that importing needs no settings."""
    settings = load(ApiSettings)
    logs.configure(settings.log_level, service="api", deployment=settings.deployment)
    return Service(settings, Aws())


app = create_app(build)
handler = Mangum(app, lifespan="off")
