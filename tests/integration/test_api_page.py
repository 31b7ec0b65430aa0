"""How the page is served: through Mangum as it is deployed."""

from __future__ import annotations

import gzip
import re
from urllib.parse import urlsplit

import boto3
import pytest

from services.api import page_files
from services.api.service import Service
from services.api.settings import ApiSettings
from services.common.aws import Aws
from tests.support.gateway import Client, Gateway, Reply
from tests.support.world import World

NAMED = re.compile(r'(?:src|href)="(page/[^"]+)"')
IMPORTED = re.compile(r"""(?:from|import) ?\(?["'](\.[^"']+)["']""")


def named(gateway: Gateway) -> list[str]:
    """The addresses that the page names."""
    return NAMED.findall(gateway.call("GET", "/").body)


def policy_of(reply: Reply) -> dict[str, set[str]]:
    parts = (part.split() for part in reply.headers["content-security-policy"].split(";"))
    return {name: set(sources) for name, *sources in parts}


def test_the_page_needs_no_key_and_every_file_that_it_names_is_there_with_its_type(gateway: Gateway) -> None:
    page = gateway.call("GET", "/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    found = {address: gateway.call("GET", f"/{address}") for address in named(gateway)}
    assert {reply.status for reply in found.values()} == {200}
    assert {reply.headers["content-type"].partition(";")[0] for reply in found.values()} == {
        "text/javascript",
        "text/css",
        "image/svg+xml",
    }


def test_every_module_that_a_module_imports_is_there(gateway: Gateway) -> None:
    """With its ending, since there is no build step that would add it."""
    modules = [path for path in page_files._contents() if path.endswith(".js") and not path.startswith("vendor/")]
    for path in modules:
        for relative in IMPORTED.findall((page_files.FOLDER / path).read_text(encoding="utf-8")):
            module = (page_files.FOLDER / path).parent / relative
            address = module.resolve().relative_to(page_files.FOLDER)
            reply = gateway.call("GET", f"/page/{page_files.version()}/{address}")
            assert reply.status == 200, f"{path} imports {relative}"


def test_a_file_is_kept_for_good_and_the_page_that_names_it_is_asked_for_each_time(gateway: Gateway) -> None:
    page = gateway.call("GET", "/")
    assert page.headers["cache-control"] == "no-cache"
    (folder,) = {address.split("/")[1] for address in named(gateway)}
    assert re.fullmatch(r"[0-9a-f]{16}", folder)
    for address in named(gateway):
        reply = gateway.call("GET", f"/{address}")
        assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "/page/0123456789abcdef/main.js",
        *(
            f"/page/{{version}}/{path}"
            for path in ("nothing.js", "index.html", "vendor/LICENSES.md", "../page_files.py")
        ),
        *("/page", "/page/{version}/", "/index.html"),
    ],
)
def test_nothing_else_is_served(gateway: Gateway, path: str) -> None:
    refused = gateway.call("GET", path.replace("{version}", page_files.version()))
    assert (refused.status, refused.json["code"]) == (404, "NOT_FOUND")


def test_a_file_is_compressed_for_whoever_takes_it(gateway: Gateway) -> None:
    (address,) = (address for address in named(gateway) if address.endswith("lit-html.js"))
    plain = gateway.call("GET", f"/{address}")
    small = gateway.call("GET", f"/{address}", headers={"accept-encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(small.content) == plain.content == (page_files.FOLDER / "vendor/lit-html.js").read_bytes()
    assert len(small.content) < len(plain.content) / 2
    assert small.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


def test_the_page_may_talk_to_this_api_and_to_the_bucket_alone_and_holds_no_script_or_style(
    gateway: Gateway, alice: Client
) -> None:
    page = gateway.call("GET", "/")
    form = alice.post("/api/jobs", {"file_name": "a.mp3"}).json["upload"]["url"]
    bucket = "://".join(urlsplit(form)[:2])
    policy = policy_of(page)
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == {"'none'"}
    assert policy["frame-ancestors"] == {"'none'"}
    assert policy["script-src"] == policy["style-src"] == {"'self'"}
    assert policy["connect-src"] == {"'self'", bucket}
    assert policy["media-src"] == {bucket}
    assert {source for sources in policy.values() for source in sources} == {
        *("'none'", "'self'", "data:", bucket),
        *("'script'", "lit-html"),
    }
    assert not re.search(r"<style|<script[^>]*>[^<]|\s(style|on\w+)=", page.body)
    assert not re.search(r"https?:|//", page.body)
    assert (page.headers["x-content-type-options"], page.headers["referrer-policy"]) == ("nosniff", "no-referrer")


@pytest.mark.parametrize("region", ["eu-north-1", "us-east-1"])
def test_the_policy_names_the_bucket_as_links_forms_and_parts_do_in_every_region(
    monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    """On AWS the bucket has a host name of its own."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name=region)
    settings = ApiSettings(table_name="t", bucket_name="recordings", deployment="d", secrets_key_id="k", models=("m",))
    wired = Service(settings, Aws(session))
    addresses = (
        wired.s3.generate_presigned_url("get_object", Params={"Bucket": "recordings", "Key": "a"}),
        wired.s3.generate_presigned_url(
            "upload_part", Params={"Bucket": "recordings", "Key": "a", "UploadId": "u", "PartNumber": 1}
        ),
        wired.s3.generate_presigned_post("recordings", "a")["url"],
    )
    (origin,) = {"://".join(urlsplit(address)[:2]) for address in addresses}
    assert origin.startswith("https://recordings.s3.")
    assert f"media-src {origin}; " in page_files.policy(wired)


def test_where_the_operator_has_switched_it_off_there_is_no_page_and_none_of_its_files(world: World) -> None:
    without = Gateway(world, page=False)
    for path in ("/", f"/page/{page_files.version()}/main.js"):
        assert (without.call("GET", path).status, without.call("GET", path).json["code"]) == (404, "NOT_FOUND")
    assert without.call("GET", "/api/health").status == 200
