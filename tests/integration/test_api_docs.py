"""The API's documentation as a page: through Mangum as it is deployed, and in a real browser."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from fastapi import FastAPI
from mangum import Mangum

from services.api import docs_page
from tests.support.browser import visit
from tests.support.gateway import Gateway
from tests.support.http_api import HttpApi

YEAR_SECONDS = 31_536_000
SHOWN = re.compile(r'opblock-summary-method">([A-Z]+)<.*?data-path="([^"]+)"', re.DOTALL)


def deployed(app: FastAPI) -> HttpApi:
    gateway = Mangum(app, lifespan="off")

    def answer(event: Any) -> dict[str, Any]:
        loop = asyncio.new_event_loop()  # Mangum uses that of its thread
        asyncio.set_event_loop(loop)
        try:
            return gateway(event, SimpleNamespace(aws_request_id="request"))
        finally:
            loop.close()

    return HttpApi(answer)


@pytest.fixture
def api(gateway: Gateway) -> Iterator[str]:
    serving = deployed(gateway.app)
    yield serving.url
    serving.close()


def files(api: str) -> dict[str, httpx.Response]:
    """Every file that the page names, by its name."""
    address = f"{api}/api/docs"
    named = re.findall(r'(?:src|href)="([^"]+)"', httpx.get(address).text)
    return {name.rsplit("/", 1)[-1]: httpx.get(urljoin(address, name)) for name in named}


def test_the_page_needs_no_key_and_its_files_come_whole_with_their_types(api: str) -> None:
    found = files(api)
    assert {reply.status_code for reply in found.values()} == {200}
    assert {name: reply.headers["content-type"].split(";")[0] for name, reply in found.items()} == {
        docs_page.SCRIPT: "text/javascript",
        docs_page.STYLE: "text/css",
        docs_page.ICON: "image/png",
        docs_page.START: "text/javascript",
        "openapi.json": "application/json",
    }
    kept = docs_page._assets()
    assert {name: reply.content for name, reply in found.items() if name in kept} == kept
    assert found[docs_page.ICON].content.startswith(b"\x89PNG")


def test_a_file_is_kept_for_good_and_its_address_changes_with_the_release(api: str) -> None:
    for name, reply in files(api).items():
        if name != "openapi.json":
            assert reply.headers["cache-control"] == f"public, max-age={YEAR_SECONDS}, immutable"
    assert httpx.get(f"{api}/api/docs").headers["cache-control"] == "no-cache"
    for wrong in ("0123456789abcdef/start.js", f"{docs_page._version()}/nothing.js"):
        refused = httpx.get(f"{api}/api/docs/{wrong}")
        assert (refused.status_code, refused.json()["code"]) == (404, "NOT_FOUND")


def test_the_page_may_load_from_this_api_only_and_holds_no_script_of_its_own(api: str) -> None:
    reply = httpx.get(f"{api}/api/docs")
    policy = dict(part.split(" ", 1) for part in reply.headers["content-security-policy"].split("; "))
    allowed = {source for sources in policy.values() for source in sources.split()}
    assert policy["default-src"] == "'self'"
    assert allowed == {"'self'", "'none'", "data:"}
    assert [text for text in re.findall(r"<script[^>]*>(.*?)</script>", reply.text) if text] == []
    assert not re.search(r"https?:|//", reply.text)


@pytest.mark.chromium
def test_a_browser_shows_every_operation_and_webhook_and_asks_nobody_else(api: str, tmp_path: Path) -> None:
    shown = visit(f"{api}/api/docs", tmp_path)

    document = httpx.get(f"{api}/api/openapi.json").json()
    described = document["paths"] | document["webhooks"]
    assert {(method.lower(), path) for method, path in SHOWN.findall(shown.html)} == {
        (method, path) for path, operations in described.items() for method in operations
    }
    assert 'class="btn authorize' in shown.html
    assert {reply.url for reply in files(api).values()} == {httpx.URL(address) for address in shown.asked}
    assert shown.console == []


@pytest.mark.chromium
def test_a_page_that_loads_from_elsewhere_would_be_noticed(tmp_path: Path) -> None:
    """FastAPI's own page, behind our policy."""
    app = FastAPI(docs_url="/api/docs", openapi_url="/api/openapi.json")

    @app.middleware("http")
    async def add_policy(request: Any, go_on: Any) -> Any:
        reply = await go_on(request)
        if "strict" in request.url.query:
            reply.headers["Content-Security-Policy"] = docs_page.POLICY
        return reply

    serving = deployed(app)
    loose, strict = (visit(f"{serving.url}/api/docs{query}", tmp_path) for query in ("", "?strict"))
    serving.close()
    assert any("swagger-ui-bundle.js" in address and serving.url not in address for address in loose.asked)
    assert any("Content Security Policy" in line for line in strict.console)
