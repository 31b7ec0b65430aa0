"""The API's Lambda handler: passes HTTP API events (v2.0) to the application through Mangum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mangum import Mangum

from services.api.app import create_app
from services.api.service import Service
from services.api.settings import ApiSettings
from services.common import logs
from services.common.aws import Aws
from services.common.settings import load

if TYPE_CHECKING:
    from mangum.types import LambdaContext, LambdaEvent

# Before the settings are read: they may be wrong, and that must be logged too.
logs.begin_function("api")


def build() -> Service:
    """The service with its clients, made at the first request, so that importing needs no settings."""
    return Service(load(ApiSettings), Aws())


app = create_app(build)
_gateway = Mangum(app, lifespan="off")


def handler(event: LambdaEvent, context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    with logs.invocation():
        return _gateway(event, context)
