"""Every code that the catalogue lists occurs as it is documented, and leads to what the catalogue says of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from services.api import latest
from services.api.problem_codes import ProblemCode
from services.common.domain.annotations import MAX_METADATA_BYTES
from services.common.domain.events import MAX_LISTENERS
from services.common.domain.shares import MAX_SHARES
from services.common.domain.vocabularies import MAX_VOCABULARIES
from services.common.settings import SettingsError
from services.common.store import keys
from services.common.store.operations import ConditionFailedError
from services.common.webhooks.registration import MAX_SECRETS
from tests.support.api_jobs import completed, create, keep_words
from tests.support.faults import aws_error
from tests.support.gateway import Client, Gateway, Reply
from tests.support.multipart import begun, send
from tests.support.shares import share
from tests.support.transcripts import call
from tests.support.world import BUCKET, World

URL = "https://hooks.example.com/"


@dataclass(frozen=True)
class Scene:
    """Where a code occurs."""

    world: World
    gateway: Gateway
    alice: Client
    monkeypatch: pytest.MonkeyPatch

    def callback(self) -> str:
        """The address of a new callback."""
        return self.alice.post("/api/callbacks", {"url": URL}).headers["location"]

    def vocabulary(self, name: str) -> Reply:
        """The answer to a new vocabulary."""
        return self.alice.post("/api/vocabularies", {"name": name, "words": ["Umeå"]})

    def disabled(self) -> str:
        """The address of a callback that is disabled."""
        place = self.callback()
        self.world.change(keys.callback("alice", place.rsplit("/", 1)[-1]), status="disabled")
        return place

    def delivery(self) -> tuple[str, str]:
        """The addresses of a callback, and of the redelivery of a message to it."""
        place, job = self.callback(), completed(self.world, self.alice)
        (delivery,) = self.alice.get(f"/api/jobs/{job.job_id}/deliveries").json["deliveries"]
        return place, f"/api/jobs/{job.job_id}/deliveries/{delivery['delivery_id']}/redeliver"

    def corrected(self, changes: list[Any], **headers: str) -> Reply:
        """What saving these changes of a completed job's words gives."""
        job = completed(self.world, self.alice)
        return self.alice.call("PUT", f"/api/jobs/{job.job_id}/correction", {"changes": changes}, **headers)

    def fails(self, error: Exception) -> None:
        """What the routes ask of the table fails in this way."""

        def failing(*_: Any, **__: Any) -> None:
            raise error

        store = self.gateway.app.state.service().store
        self.monkeypatch.setattr(store, "commit", failing)
        self.monkeypatch.setattr(store.jobs, "with_parts", failing)


def _unauthorized(at: Scene) -> Reply:
    return at.gateway.call("GET", "/api/jobs")


def _not_found(at: Scene) -> Reply:
    return at.alice.get("/api/jobs/job_x")


def _share_ended(at: Scene) -> Reply:
    return at.alice.get("/api/shared")


def _only_to_read(at: Scene) -> Reply:
    token = share(at.alice, completed(at.world, at.alice))["token"]
    return Client(at.gateway, token).call("PATCH", "/api/shared", {"names": []})


def _too_many_shares(at: Scene) -> Reply:
    job = completed(at.world, at.alice)
    for _ in range(MAX_SHARES):
        share(at.alice, job)
    return at.alice.post(f"/api/jobs/{job.job_id}/shares", {})


def _no_such_format(at: Scene) -> Reply:
    return at.alice.get(f"/api/jobs/{completed(at.world, at.alice).job_id}/transcript?format=docx")


def _no_latest_version(at: Scene) -> Reply:
    return at.alice.get(f"/api/jobs/{completed(at.world, at.alice).job_id}/transcript?version=latest")


def _no_such_version(at: Scene) -> Reply:
    return at.alice.get(f"/api/jobs/{completed(at.world, at.alice).job_id}/correction?number=7")


def _invalid_correction(at: Scene) -> Reply:
    return at.corrected([{"first": 0, "end": 0, "segments": 1}], if_match='"0"')


def _corrected_meanwhile(at: Scene) -> Reply:
    return at.corrected([], if_match='"7"')


def _precondition_required(at: Scene) -> Reply:
    return at.corrected([])


def _transcript_too_large(at: Scene) -> Reply:
    at.monkeypatch.setattr(latest, "MOST_BYTES", 0)
    job = completed(at.world, at.alice)
    keep_words(at.world, job, call())
    return at.alice.get(f"/api/jobs/{job.job_id}/transcript?version=latest")


def _recording_gone(at: Scene) -> Reply:
    job = completed(at.world, at.alice)
    at.world.s3.delete_object(Bucket=BUCKET, Key=job.source_key)
    return at.alice.get(f"/api/jobs/{job.job_id}/recording")


def _method_not_allowed(at: Scene) -> Reply:
    return at.alice.call("PUT", "/api/jobs")


def _conflict(at: Scene) -> Reply:
    place = at.callback()
    at.fails(ConditionFailedError([None]))
    return at.alice.post(f"{place}/rotate")


def _already_ended(at: Scene) -> Reply:
    return at.alice.post(f"/api/jobs/{completed(at.world, at.alice).job_id}/cancel")


def _not_failed(at: Scene) -> Reply:
    return at.alice.post(f"/api/jobs/{create(at.alice)['job_id']}/retry")


def _not_completed(at: Scene) -> Reply:
    return at.alice.get(f"/api/jobs/{create(at.alice)['job_id']}/transcript")


def _not_awaiting(at: Scene) -> Reply:
    return at.alice.post(f"/api/jobs/{completed(at.world, at.alice).job_id}/upload")


def _missing_parts(at: Scene) -> Reply:
    return at.alice.post(f"/api/jobs/{create(at.alice, multipart=True, size=5)['job_id']}/upload/complete")


def _upload_differs(at: Scene) -> Reply:
    job_id = create(at.alice, multipart=True, size=5, checksum_crc32="AAAAAA==")["job_id"]
    send(at.world, begun(at.alice, job_id)["links"], b"sound")
    return at.alice.post(f"/api/jobs/{job_id}/upload/complete")


def _too_many_callbacks(at: Scene) -> Reply:
    for _ in range(MAX_LISTENERS):
        at.callback()
    return at.alice.post("/api/callbacks", {"url": URL})


def _vocabulary_exists(at: Scene) -> Reply:
    return [at.vocabulary("council") for _ in range(2)][-1]


def _too_many_vocabularies(at: Scene) -> Reply:
    return [at.vocabulary(f"council-{number}") for number in range(MAX_VOCABULARIES + 1)][-1]


def _unknown_vocabulary(at: Scene) -> Reply:
    return at.alice.post("/api/jobs", {"file_name": "a.mp3", "options": {"vocabulary": "council"}})


def _too_many_secrets(at: Scene) -> Reply:
    place = at.callback()
    return [at.alice.post(f"{place}/rotate") for _ in range(MAX_SECRETS)][-1]


def _invalid_annotation(at: Scene) -> Reply:
    return at.alice.post("/api/jobs", {"file_name": "a.mp3", "metadata": {"key": "å" * MAX_METADATA_BYTES}})


def _unknown_callback(at: Scene) -> Reply:
    return at.alice.post("/api/jobs", {"file_name": "a.mp3", "callback_id": "cb_x"})


def _callback_disabled(at: Scene) -> Reply:
    return at.alice.post(f"{at.disabled()}/test")


def _callback_inactive(at: Scene) -> Reply:
    place, redelivery = at.delivery()
    at.alice.delete(place)
    return at.alice.post(redelivery)


def _not_disabled(at: Scene) -> Reply:
    return at.alice.post(f"{at.callback()}/enable")


def _under_way(at: Scene) -> Reply:
    _, redelivery = at.delivery()
    (due,) = at.world.store.deliveries.overdue(at.world.clock())
    assert at.world.store.deliveries.take(due, owner="worker", until=at.world.clock() + 1)
    return at.alice.post(redelivery)


def _deleted_since(at: Scene) -> Reply:
    made = at.alice.post("/api/callbacks", {"url": URL}, idempotency_key="once-1")
    at.alice.delete(made.headers["location"])
    reply = at.alice.post("/api/callbacks", {"url": URL}, idempotency_key="once-1")
    assert reply.headers["idempotent-replayed"] == "true"
    return reply


def _too_large(at: Scene) -> Reply:
    return at.alice.post("/api/jobs", {"file_name": "a.mp3", "size": 5_000_000_001})


def _unsupported_media_type(at: Scene) -> Reply:
    headers = {"authorization": f"Bearer {at.alice.api_key}", "content-type": "application/x-www-form-urlencoded"}
    return at.gateway.call("POST", "/api/jobs", headers=headers, body=b'{"file_name": "a.mp3"}')


def _invalid_request(at: Scene) -> Reply:
    return at.alice.get("/api/jobs?limit=0")


def _invalid_option(at: Scene) -> Reply:
    return at.alice.post("/api/jobs", {"file_name": "a.mp3", "options": {"doubtful_places": True}})


def _model_unavailable(at: Scene) -> Reply:
    return at.alice.post("/api/jobs", {"file_name": "a.mp3", "options": {"model": "nobody/knows"}})


def _invalid_url(at: Scene) -> Reply:
    return at.alice.post("/api/jobs", {"file_name": "a.mp3", "callback": {"url": "http://hooks.example.com/"}})


def _address_refused(at: Scene) -> Reply:
    return at.alice.post("/api/callbacks", {"url": "https://127.0.0.1/"})


def _invalid_cursor(at: Scene) -> Reply:
    return at.alice.get("/api/events?after=x")


def _idempotency_key_reused(at: Scene) -> Reply:
    at.alice.post("/api/jobs", {"file_name": "a.mp3"}, idempotency_key="once-1")
    return at.alice.post("/api/jobs", {"file_name": "b.mp3"}, idempotency_key="once-1")


def _too_many_requests(at: Scene) -> Reply:
    busy = at.gateway.client("busy", limit=1)
    busy.get("/api/jobs")
    return busy.get("/api/jobs")


def _internal(at: Scene) -> Reply:
    at.fails(RuntimeError("the reason"))
    return at.alice.get("/api/jobs/job_a")


def _unavailable(at: Scene) -> Reply:
    at.fails(aws_error("InternalServerError", "GetItem", status=500))
    return at.alice.get("/api/jobs/job_a")


OCCASIONS: dict[str, Callable[[Scene], Reply]] = {
    name.strip("_").upper(): occasion
    for name, occasion in vars().copy().items()
    if name.strip("_").upper() in ProblemCode.__members__
}


@pytest.fixture
def scene(world: World, gateway: Gateway, alice: Client, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(world, gateway, alice, monkeypatch)


@pytest.mark.parametrize("code", ProblemCode)
def test_every_listed_code_occurs_with_its_status_and_its_address_tells_what_it_means(
    scene: Scene, code: ProblemCode
) -> None:
    reply = OCCASIONS[code](scene)

    assert (reply.json["code"], reply.status, reply.json["status"]) == (code, code.status, code.status), reply.body
    address = urlsplit(reply.json["type"])
    assert (address.scheme, address.netloc) == ("https", "api.example.com")
    told = scene.gateway.call("GET", address.path).json
    assert told == {
        "type": reply.json["type"],
        "code": code,
        "title": reply.json["title"],
        "status": code.status,
        "meaning": code.meaning,
        "remedy": code.remedy,
    }


def test_the_catalogue_lists_every_code_in_order_of_status_without_a_key(gateway: Gateway) -> None:
    listed = gateway.call("GET", "/api/problems").json["problems"]

    assert [entry["code"] for entry in listed] == list(ProblemCode)
    assert [entry["status"] for entry in listed] == sorted(code.status for code in ProblemCode)


def test_a_name_that_is_no_code_is_answered_in_the_same_shape(gateway: Gateway) -> None:
    for name in ("nothing", "NOT_FOUND", "not_found", "%00", "å"):
        reply = gateway.call("GET", f"/api/problems/{name}")
        assert (reply.status, reply.json["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/api/problems", "/api/problems/not-found"])
def test_a_browser_gets_a_page_that_loads_nothing(gateway: Gateway, path: str) -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    reply = gateway.call("GET", path, headers={"accept": browser})

    assert reply.headers["content-type"].startswith("text/html")
    assert reply.headers["content-security-policy"] == "default-src 'none'"
    assert ProblemCode.NOT_FOUND.meaning in reply.body
    assert re.search(r"<(script|style|link|img|iframe)\b|\bsrc=", reply.body) is None


def test_a_deployment_whose_settings_cannot_be_read_gives_the_address_without_its_host(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable() -> None:
        raise SettingsError("TABLE_NAME is missing.")

    monkeypatch.setattr(gateway.app.state, "service", unreadable)
    reply = gateway.call("GET", "/api/jobs")

    assert (reply.status, reply.json["type"]) == (500, "/api/problems/internal")
    assert "TABLE_NAME" not in reply.body
