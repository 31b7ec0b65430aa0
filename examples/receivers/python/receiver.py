"""Receives transcription webhooks: verified, each message once, answered at once."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from typing import Any

import httpx
from fastapi import BackgroundTasks, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from standardwebhooks import Webhook, WebhookVerificationError

REMEMBERED = 10_000
"""Message ids kept; a real receiver keeps them in its database, for longer than the three days of tries."""


def parsed(secrets: str) -> list[Webhook]:
    """Secrets that are separated by spaces."""
    return [Webhook(secret) for secret in secrets.split()]


# WEBHOOK_SECRETS maps callbacks' ids to their secrets; WEBHOOK_SECRET is for all that the map lacks.
by_callback = {name: parsed(found) for name, found in json.loads(os.environ.get("WEBHOOK_SECRETS", "{}")).items()}
for_others = parsed(os.environ.get("WEBHOOK_SECRET", ""))
if not (by_callback or for_others):
    raise SystemExit("Set WEBHOOK_SECRET or WEBHOOK_SECRETS.")
seen: OrderedDict[tuple[str, str | None], None] = OrderedDict()
latest: OrderedDict[str, int] = OrderedDict()
"""The largest sequence of each job; a real receiver keeps it with the job in its database."""
app = FastAPI()


def verified(body: bytes, headers: dict[str, str]) -> Any:  # noqa: ANN401 - any JSON
    """The message, if a secret of its callback signed it within the last five minutes; else None.

    The header with the callback's id is not signed. Whoever writes another id there has to know that callback's secret.
    """
    for secret in by_callback.get(headers.get("webhook-callback-id", ""), for_others):
        try:
            return secret.verify(body, headers)
        # Malformed headers and bodies come out of the library as ValueError (binascii.Error is one).
        except (WebhookVerificationError, ValueError):
            continue
    return None


def text_of(data: dict[str, Any]) -> str | None:
    """The text of a completed job. A long one is left out of the message, and is fetched with an API key.

    None: it is long, and the job asked for no `txt`, or the deployment has no API.
    """
    if "text" in data:
        return str(data["text"])
    address = next((entry.get("result_url") for entry in data["results"] if entry["format"] == "txt"), None)
    if address is None:
        return None
    key = {"Authorization": f"Bearer {os.environ['TRANSCRIBE_KEY']}"}
    link = httpx.get(address, params={"format": "txt", "redirect": "false"}, headers=key).raise_for_status().json()
    # The link leads to S3, which refuses the API key.
    return httpx.get(link["url"], timeout=60).raise_for_status().text


def handle(message: dict[str, Any]) -> None:
    """What the message is for; runs after the answer has been sent."""
    told: dict[str, Any] = {"type": message["type"], "job_id": message["data"].get("job_id")}
    if message["type"] == "transcription.completed":
        text = text_of(message["data"])
        told["characters"] = None if text is None else len(text)
    line = json.dumps(told)
    # With its end in one piece: messages are handled on several threads.
    print(f"{line}\n", end="", flush=True)


def overtaken(data: dict[str, Any]) -> bool:
    """Whether a later message about the same job has come before this one."""
    job_id, sequence = data.get("job_id"), data.get("sequence")
    if job_id is None or sequence is None:
        return False  # it is about a callback, or comes from a release that gave no numbers
    if sequence < latest.get(job_id, 0):
        return True
    latest[job_id] = sequence
    if len(latest) > REMEMBERED:
        latest.popitem(last=False)
    return False


@app.post("/hook")
async def hook(request: Request, afterwards: BackgroundTasks) -> Response:
    message = verified(await request.body(), dict(request.headers))
    if message is None:
        return JSONResponse({"error": "the signature does not fit or the message is too old"}, 400)
    if message["type"] == "callback.challenge":
        return JSONResponse({"challenge": message["data"]["challenge"]})
    # All callbacks get an event's message under one id. Only a callback whose own secret was asked for is believed.
    callback_id = request.headers.get("webhook-callback-id")
    received = request.headers["webhook-id"], callback_id if callback_id in by_callback else None
    if received not in seen:
        seen[received] = None
        if len(seen) > REMEMBERED:
            seen.popitem(last=False)
        if not overtaken(message["data"]):
            afterwards.add_task(handle, message)
    return Response(status_code=204)
