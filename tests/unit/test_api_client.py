"""Requests to the API and its storage, against answers that a test writes down."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from services.cli.api import answers, client
from services.cli.api.client import Api
from services.cli.api.connection import address
from services.cli.api.login_store import Connection
from services.cli.errors import CliError, RefusedError, UnreachableError, UsageError

URL, KEY = "https://api.example.com/base", "key_secret"
LINK = "https://storage.example.com/text?X-Amz-Signature=secret"
PAGE = {"content-type": "text/html"}
EXPIRED = "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
Answer = httpx.Response | httpx.RequestError


class Network:
    """Answers requests in order, and keeps them."""

    def __init__(self, *answers: Answer) -> None:
        self.left = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.left.pop(0)
        if isinstance(answer, httpx.RequestError):
            raise answer
        return answer


Opened = Callable[..., tuple[Api, Network]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """An API that gives these answers, and its storage too."""
    monkeypatch.setattr("services.cli.api.patience.time.sleep", lambda _: None)

    def opened(*answers: Answer) -> tuple[Api, Network]:
        network = Network(*answers)

        def client_of(**headers: str) -> httpx.Client:
            return httpx.Client(headers=headers, transport=httpx.MockTransport(network))

        monkeypatch.setattr(client, "web_client", client_of)
        return Api(Connection(url=URL, key=KEY)), network

    return opened


def problem(status: int, code: str, detail: str = "It is refused.") -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": detail})


def refused(ask: Callable[[], object], kind: type[CliError] = RefusedError) -> str:
    with pytest.raises(kind) as caught:
        ask()
    return str(caught.value)


def test_a_request_is_repeated_with_the_same_body_and_the_same_idempotency_key(opened: Opened) -> None:
    api, network = opened(httpx.Response(500), httpx.ReadError("cut"), httpx.Response(201, json={"job_id": "job_1"}))
    assert api.post("/api/jobs", {"file_name": "a.mp3"}) == {"job_id": "job_1"}
    assert len({(one.headers["idempotency-key"], one.content) for one in network.asked}) == 1
    assert {str(one.url) for one in network.asked} == {f"{URL}/api/jobs"}


def test_two_requests_have_two_idempotency_keys_unless_one_is_given(opened: Opened) -> None:
    api, network = opened(*(httpx.Response(201, json={}) for _ in range(3)))
    for given in (None, None, "mine"):
        api.post("/api/jobs", {}, idempotency_key=given)
    first, second, third = (one.headers["idempotency-key"] for one in network.asked)
    assert first != second
    assert third == "mine"


def test_a_change_that_met_another_is_tried_again(opened: Opened) -> None:
    api, network = opened(problem(409, "CONFLICT"), httpx.Response(200, json={}))
    api.patch("/api/jobs/job_1", {"reference": "7"})
    assert [one.method for one in network.asked] == ["PATCH", "PATCH"]


def test_a_deletion_whose_answer_was_lost_is_done(opened: Opened) -> None:
    api, _ = opened(httpx.ReadError("cut"), problem(404, "NOT_FOUND"))
    assert api.delete("/api/callbacks/cb_1") is None
    api, _ = opened(problem(404, "NOT_FOUND", "There is no such callback."))
    assert refused(lambda: api.delete("/api/callbacks/cb_1")) == (
        "There is no such callback: compare the id, and the key: each client has its own (NOT_FOUND)."
    )


@pytest.mark.parametrize("path", ["https://evil.example.com/", "@evil.example.com/", ".evil.example.com/", ""])
def test_the_key_goes_to_no_other_host(path: str, opened: Opened) -> None:
    api, network = opened(httpx.Response(200, json={}))
    with pytest.raises(AssertionError):
        api.get(path)
    assert network.asked == []
    api.get("//evil.example.com/")
    assert network.asked[0].url.host == "api.example.com"


def test_a_redirect_is_not_followed_with_the_key(opened: Opened) -> None:
    api, network = opened(httpx.Response(301, headers={"location": "https://new.example.com/api?secret"}))
    told = refused(lambda: api.get("/api/jobs"), UnreachableError)
    assert "leads elsewhere to https://new.example.com: give the address" in told
    assert len(network.asked) == 1


@pytest.mark.parametrize(
    "content", ["<html>Welcome to this hotel</html>", '{"job_id": "jo', "null", '["job_1"]', "", "[" * 100_000]
)
def test_what_is_no_json_is_not_the_api(content: str, opened: Opened) -> None:
    api, _ = opened(httpx.Response(200, text=content, headers=PAGE))
    assert "what is no JSON of its own: give the address of the API" in refused(
        lambda: api.get("/api/jobs"), UnreachableError
    )


def test_an_object_that_lacks_what_is_read_of_it_is_not_the_apis(opened: Opened) -> None:
    api, _ = opened(httpx.Response(200, json={"status": "ok"}), httpx.Response(200, json={"status": "ok"}))
    assert "answered without `jobs`" in refused(lambda: list(api.pages("/api/jobs", "jobs")), UnreachableError)
    assert dict(api.get("/api/health")) == {"status": "ok"}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(404, text="<html>No such page</html>", headers=PAGE), "answered 404: Not Found"),
        (httpx.Response(404, json={"message": "Not Found"}), 'answered 404: {"message":"Not Found"}'),
        (httpx.Response(403, json=["no"]), 'answered 403: ["no"]'),
        (httpx.Response(418, text="\x1b[2J teapot"), "answered 418: \ufffd[2J teapot"),
    ],
)
def test_what_a_gateway_or_a_proxy_says_is_told_with_a_remedy(
    answer: httpx.Response, told: str, opened: Opened
) -> None:
    api, _ = opened(answer)
    assert refused(lambda: api.get("/api/jobs")) == f"The service at {URL} {told}: {answers.ADDRESS}."


def test_a_problem_is_the_apis_own_sentence_without_what_moves_a_terminals_cursor(opened: Opened) -> None:
    api, _ = opened(problem(422, "INVALID_OPTION", "There is no \x1b[2J."))
    with pytest.raises(RefusedError) as caught:
        api.post("/api/jobs", {})
    assert (str(caught.value), caught.value.problem, caught.value.status) == (
        "There is no \ufffd[2J (INVALID_OPTION).",
        *("INVALID_OPTION", 422),
    )


def test_a_wrong_key_is_told_with_its_remedy(opened: Opened) -> None:
    api, _ = opened(problem(401, "UNAUTHORIZED", "The key is not known."))
    assert "run `transcribe login`" in refused(lambda: api.get("/api/jobs"))


@pytest.mark.parametrize("text", [f"{URL}/", f" {URL}\n", f"{URL}/api", f"{URL}/api/", f"{URL}//"])
def test_an_address_is_kept_without_what_is_around_it(text: str) -> None:
    assert address(text) == URL


@pytest.mark.parametrize(
    "text",
    [
        *("", "api.example.com", "ftp://api.example.com", "https://", "https://[::1", "https://api.example.com:99999"),
        *("https://api example.com", f"{URL}?key=secret", f"{URL}#secret", "https://me:secret@api.example.com"),
    ],
)
def test_what_is_no_address_of_an_api_is_a_wrong_use(text: str) -> None:
    assert "is no address of an API" in refused(lambda: address(text), UsageError)


@pytest.mark.parametrize("host", ["api.example.com", "8.8.8.8", "[2600::1]", "localhost.example.com", "134744072.net"])
def test_a_key_goes_to_no_public_address_unencrypted(host: str) -> None:
    assert "unencrypted: give the address with https://" in refused(lambda: address(f"http://{host}:80"), UsageError)


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "api.localhost", "127.0.0.1", "[::1]", "10.1.2.3", "192.168.0.9", "[fd00::1]", "[fe80::1]"),
        *("api", "nas.local", "LOCALHOST", "localhost.", "host.docker.internal"),
    ],
)
def test_an_address_in_the_own_network_may_be_without_tls(host: str) -> None:
    assert address(f"http://{host}:8000/") == f"http://{host}:8000"


def test_a_password_in_an_address_is_not_told_again() -> None:
    assert "secret" not in refused(lambda: address("https://me:secret@api.example.com"), UsageError)


@pytest.mark.parametrize("key", ["nyckel_ö", "key_1\n", "Bearer key_1"])
def test_a_key_that_no_header_can_hold_is_a_wrong_use(key: str) -> None:
    assert refused(lambda: Api(Connection(url=URL, key=key)), UsageError).startswith("The key has a character")


@pytest.mark.parametrize("proxy", ["socks5://proxy.example.com", "ftp://user:secret@proxy.example.com"])
def test_a_proxy_that_cannot_be_used_is_a_sentence(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    told = refused(lambda: Api(Connection(url=URL, key=KEY)), UsageError)
    assert "HTTPS_PROXY" in told
    assert "secret" not in told


def test_certificates_that_cannot_be_read_are_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    client._trusted.cache_clear()
    told = refused(lambda: Api(Connection(url=URL, key=KEY)), UsageError)
    assert told.startswith("The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read (No such file")


def test_every_page_of_a_list_is_read(opened: Opened) -> None:
    pages = [{"jobs": [{"id": 1}, {"id": 2}], "next": "x"}, {"jobs": [], "next": "y"}, {"jobs": [{"id": 3}]}]
    api, network = opened(*(httpx.Response(200, json=page) for page in pages))
    assert [job["id"] for job in api.pages("/api/jobs", "jobs", q="a", status=None)] == [1, 2, 3]
    assert [str(one.url.params) for one in network.asked] == ["q=a", "after=x&q=a", "after=y&q=a"]


def link() -> httpx.Response:
    return httpx.Response(200, json={"url": LINK})


def test_a_text_is_fetched_without_the_key_and_its_link_asked_for_anew_once_it_has_ended(opened: Opened) -> None:
    api, network = opened(link(), httpx.Response(400, text=EXPIRED), link(), httpx.Response(200, content=b"text"))
    assert api.transcript("job_1", "txt") == b"text"
    keys = [(one.url.host, one.headers.get("authorization")) for one in network.asked]
    assert keys == [("api.example.com", f"Bearer {KEY}"), ("storage.example.com", None)] * 2


def test_what_the_storage_refuses_for_good_is_no_text_and_is_asked_for_once(opened: Opened) -> None:
    missing = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"
    api, network = opened(link(), httpx.Response(404, text=missing))
    told = refused(lambda: api.transcript("job_1", "txt"))
    assert told.startswith("The storage refuses it (404 NoSuchKey: The specified key does not exist): try again")
    assert len(network.asked) == 2


def test_links_that_end_at_once_are_not_asked_for_for_ever(opened: Opened) -> None:
    api, network = opened(
        *(answer for _ in range(client.LINKS) for answer in (link(), httpx.Response(400, text=EXPIRED)))
    )
    assert "ExpiredToken" in refused(lambda: api.transcript("job_1", "txt"))
    assert network.left == []


def test_a_first_upload_that_breaks_after_long_is_tried_again(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(0, 36_000, 3_600))
    monkeypatch.setattr("services.cli.api.patience.time.monotonic", lambda: float(next(now)))
    api, network = opened(httpx.WriteError("cut"), httpx.WriteTimeout(""), httpx.Response(204))
    assert api.stored(lambda: api.storage.put(LINK, content=b"part")).status_code == 204
    assert len(network.asked) == 3


def test_a_storage_that_is_slow_is_asked_again(opened: Opened) -> None:
    slow = httpx.Response(503, text="<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>")
    api, _ = opened(link(), slow, httpx.RemoteProtocolError("cut"), httpx.Response(200, content=b"text"))
    assert api.transcript("job_1", "txt") == b"text"


def test_whose_an_upload_is_tells_addresses_and_keys_apart_and_does_not_tell_the_key() -> None:
    apis = [Api(Connection(url=url, key=key)) for url in (URL, f"{URL}2") for key in (KEY, f"{KEY}2")]
    assert len({api.identity for api in apis}) == 4
    assert KEY not in json.dumps([api.identity for api in apis])
