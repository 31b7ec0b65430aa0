"""Makes the OpenAPI document: the routes' own, with named schemas, webhooks, examples and the deployment's address.

It is made when somebody asks for it, so that a cold start does not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from services.api import late_routes
from services.api.contract import corrections, enumerations, examples, headers, refusals, speakers, transcripts
from services.api.contract.corrections import CorrectionChange, MachineWords
from services.api.contract.jobs import JobCorrection, JobCost, JobTimes, Model, OptionsInEffect, Quality
from services.api.contract.messages import MEANINGS, FeedMessage, Message
from services.api.contract.transcripts import Transcript
from services.api.schemas.fields import SHOWN_AS, MetadataTexts
from services.api.schemas.jobs import TranscriptLink
from services.api.schemas.problems import ProblemDocument
from services.common.domain import model_keys
from services.common.domain.events import DIRECT, EventType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMPONENTS = "#/components/schemas/"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
TAGS = {
    "jobs": "A recording on its way to text: registered, uploaded, watched, canceled, retried, erased.",
    "transcripts": "The text, in the formats that the job asked for.",
    "shares": "Links that open one transcript to whoever holds them.",
    "vocabularies": "Lists of names and terms that the client keeps for its jobs.",
    "callbacks": "Addresses to which signed webhooks are sent.",
    "deliveries": "The ledger of what was sent to callbacks, and redelivery.",
    "events": "Every event in order of time, for who missed a webhook.",
    "health": "Whether the API answers.",
    "problems": "What the codes of refusals mean, and what to do.",
}
_NAMED: Mapping[str, Any] = {"FeedMessage": FeedMessage, "Message": Message, "Metadata": MetadataTexts}
"""Schemas of types that are no models."""
_OWN_MESSAGES = {*DIRECT, EventType.CALLBACK_DISABLED, EventType.CORRECTED}
"""The types whose messages have a schema of their own."""
_WEBHOOK_HEADERS = {
    "webhook-id": "Of the event: the same on every attempt, and for every callback. Act once on it for each callback.",
    "webhook-timestamp": "Epoch seconds of this attempt: refuse a message older than five minutes.",
    "webhook-signature": "One for each active secret, separated by spaces: `v1,` and the base64 HMAC-SHA256 of "
    "`{id}.{timestamp}.{body}`. The key is the bytes whose base64 follows `whsec_`.",
    "webhook-callback-id": "Of the callback. Not signed: it only says whose secret the message is verified with.",
}


def describe(app: FastAPI, *, address: str = "", models: Sequence[str] = ()) -> dict[str, Any]:
    """The whole document.

    Args:
        app: the application.
        address: of the deployment; without it, the document leaves it open.
        models: the keys of the models that the deployment holds; without them, any model and any style is allowed.

    """
    late_routes.add_to(app)
    document: dict[str, Any] = FastAPI.openapi(app)
    document["info"]["contact"] = {"name": "The operator of this deployment, or the project's issues"}
    document["info"]["license"] = {"name": "MIT", "identifier": "MIT"}
    document["servers"] = [_server(address)]
    document["tags"] = [{"name": name, "description": description} for name, description in TAGS.items()]
    schemas: dict[str, Any] = document["components"]["schemas"]
    schemas |= components()
    document["webhooks"] = {kind.value: _webhook(kind) for kind in EventType}
    for operations in (*document["paths"].values(), *document["webhooks"].values()):
        for operation in operations.values():
            operation.setdefault("security", [])  # said of each, also of what needs no key
    if models:
        _offer(schemas["JobOptions"]["properties"], models)
    described: dict[str, Any] = {"info": document.pop("info"), **_without_titles(_linked(document))}
    transcripts.add_to(described)
    corrections.add_to(described)
    refusals.add_to(described)
    headers.add_to(described)
    examples.add(described)
    return described


def components() -> dict[str, Any]:
    """The schemas that no route refers to by itself."""
    shown = (
        *(CorrectionChange, JobCorrection, JobCost, JobTimes, MachineWords, Model, OptionsInEffect),
        *(ProblemDocument, Quality, Transcript, TranscriptLink),
    )
    _, made = models_json_schema([(one, "serialization") for one in shown], ref_template=COMPONENTS + "{model}")
    defined: dict[str, Any] = dict(made["$defs"])
    for name, kind in _NAMED.items():
        schema = TypeAdapter(kind).json_schema(ref_template=COMPONENTS + "{model}")
        defined |= schema.pop("$defs", {}) | {name: schema}
    return defined | enumerations.schemas() | speakers.schemas()


def standalone(name: str, title: str) -> dict[str, Any]:
    """One of the document's schemas as a JSON Schema of its own, with all that it refers to."""
    known = _without_titles(_linked(components()))
    wanted, waiting = {}, [name]
    while waiting:
        one = waiting.pop()
        wanted[one] = known[one]
        waiting += [other for other in _references(known[one]) if other not in wanted]
    whole: dict[str, Any] = _moved({"$schema": DIALECT, "title": title, **wanted.pop(name)})
    return whole | {"$defs": {other: _moved(wanted[other]) for other in sorted(wanted)}}


def _server(address: str) -> dict[str, Any]:
    if address:
        return {"url": address}
    host = {"default": "api.example.com", "description": "The host of `api_url`, an output of Terraform."}
    return {"url": "https://{host}", "variables": {"host": host}}


def _webhook(kind: EventType) -> dict[str, Any]:
    name = "".join(word.capitalize() for word in kind.value.replace(".", "_").split("_"))
    schema = f"{name}Message" if kind in _OWN_MESSAGES else "JobMessage"
    headers = [
        {"name": header, "in": "header", "required": True, "description": about, "schema": {"type": "string"}}
        for header, about in _WEBHOOK_HEADERS.items()
    ]
    return {
        "post": {
            "operationId": f"on_{kind.value.replace('.', '_')}",
            "summary": kind.value,
            "description": MEANINGS[kind],
            "tags": ["callbacks"],
            "parameters": headers,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": COMPONENTS + schema}}},
            },
            "responses": {"2XX": {"description": "Any such answer is success, any other is tried again."}},
        }
    }


def _offer(options: dict[str, Any], models: Sequence[str]) -> None:
    """Restrict model and style to those that the deployment holds."""
    keys = [model_keys.split(key) for key in models]
    options["model"]["anyOf"][0] = {"type": "string", "enum": list(dict.fromkeys(name for name, _ in keys))}
    options["style"]["enum"] = list(dict.fromkeys(style for _, style in keys))


def _linked(node: Any) -> Any:  # noqa: ANN401 - JSON
    """The same with references in the place of marks."""
    if isinstance(node, list):
        return [_linked(one) for one in node]
    if not isinstance(node, dict):
        return node
    beside = {key: _linked(value) for key, value in node.items() if key != SHOWN_AS}
    return {"$ref": COMPONENTS + node[SHOWN_AS], **beside} if SHOWN_AS in node else beside


def _without_titles(node: Any) -> Any:  # noqa: ANN401 - JSON
    """The same without the titles that pydantic makes of the fields' names: they say nothing, and name types badly."""
    if isinstance(node, list):
        return [_without_titles(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {key: _without_titles(value) for key, value in node.items() if key != "title" or not isinstance(value, str)}


def _references(node: Any) -> list[str]:  # noqa: ANN401 - JSON
    if isinstance(node, list):
        return [found for one in node for found in _references(one)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"].removeprefix(COMPONENTS)] if "$ref" in node else []
    return own + [found for value in node.values() for found in _references(value)]


def _moved(node: Any) -> Any:  # noqa: ANN401 - JSON
    """The same with references within one schema in the place of those within the document."""
    if isinstance(node, list):
        return [_moved(one) for one in node]
    if isinstance(node, dict):
        return {key: _moved(value) for key, value in node.items()}
    return node.replace(COMPONENTS, "#/$defs/") if isinstance(node, str) and node.startswith(COMPONENTS) else node
