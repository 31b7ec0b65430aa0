"""The emulator's S3 takes links and forms as AWS does, and lets pages of other origins read what the bucket says."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest

from services.local import resources
from tests.support.api_jobs import create
from tests.support.gateway import Client, Gateway
from tests.support.served_s3 import RECORDING, ServedS3
from tests.support.world import BUCKET, World

KEY = "uploads/alice/job_1/möte 1+2 (a~b).wav"
PAGE, OTHER = "https://app.example.com", "https://evil.example.com"


@pytest.fixture(scope="module")
def served() -> Iterator[ServedS3]:
    running = ServedS3()
    yield running
    running.close()


@pytest.fixture
def s3(world: World, served: ServedS3) -> ServedS3:
    return served


@pytest.fixture
def link(world: World, s3: ServedS3) -> str:
    """One that is good for reading one object, for five minutes."""
    world.s3.put_object(Bucket=BUCKET, Key=KEY, Body=RECORDING)
    return signed(s3, "get_object")


def signed(s3: ServedS3, operation: str, *, seconds: int = 300, **more: Any) -> str:
    params = {"Bucket": BUCKET, "Key": KEY, **more}
    return s3.signer().generate_presigned_url(operation, Params=params, ExpiresIn=seconds)


def form(s3: ServedS3, **more: Any) -> dict[str, str]:
    fields: dict[str, str] = s3.signer(**more).generate_presigned_post(BUCKET, KEY)["fields"]
    return fields


def is_refused(reply: httpx.Response, status: int, code: str, message: str = "") -> None:
    assert (reply.status_code, f"<Code>{code}</Code>" in reply.text) == (status, True), reply.text
    assert message in reply.text


def is_of_another_signature(reply: httpx.Response) -> None:
    is_refused(reply, 403, "SignatureDoesNotMatch", "does not match the signature you provided")


def of_cors(reply: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name.startswith("access-control-")}


def test_a_link_is_good_for_its_method_its_key_and_its_query(s3: ServedS3, link: str) -> None:
    assert s3.send("GET", link).content == RECORDING
    before, _, query = link.partition("?")
    assert s3.send("GET", f"{before}?{'&'.join(reversed(query.split('&')))}").is_success
    for changed in (link.replace("job_1", "job_2"), f"{link}&versionId=1", link.replace("Expires=300", "Expires=301")):
        is_of_another_signature(s3.send("GET", changed))
    is_of_another_signature(s3.send("PUT", link, b"other"))
    is_of_another_signature(s3.send("DELETE", link))
    assert s3.send("HEAD", link).status_code == 403
    assert s3.send("HEAD", signed(s3, "head_object")).status_code == 200


def test_a_link_for_another_host_is_refused(s3: ServedS3, link: str) -> None:
    is_of_another_signature(s3.send("GET", link, Host="another.example.com"))


def test_a_link_to_put_takes_the_length_that_was_signed_into_it_and_no_other(world: World, s3: ServedS3) -> None:
    address = signed(s3, "put_object", ContentLength=len(RECORDING))
    assert "content-length" in dict(parse_qsl(urlsplit(address).query))["X-Amz-SignedHeaders"]
    for wrong in (RECORDING + b"!", RECORDING[1:], b""):
        is_of_another_signature(s3.send("PUT", address, wrong))
    assert world.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    assert s3.send("PUT", address, RECORDING, Content_Type="audio/wav").is_success
    assert world.s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == RECORDING


def test_a_link_for_a_part_takes_that_part_of_that_upload(world: World, s3: ServedS3) -> None:
    upload_id = world.s3.create_multipart_upload(Bucket=BUCKET, Key=KEY)["UploadId"]
    of_part: dict[str, Any] = {"UploadId": upload_id, "PartNumber": 1, "ContentLength": len(RECORDING)}
    address = signed(s3, "upload_part", **of_part)
    is_of_another_signature(s3.send("PUT", address.replace("partNumber=1", "partNumber=2"), RECORDING))
    is_of_another_signature(s3.send("PUT", address, RECORDING + b"!"))
    assert s3.send("PUT", address, RECORDING).headers["etag"]


def test_a_body_is_taken_whatever_curl_calls_it(world: World, s3: ServedS3) -> None:
    """`curl --data-binary` calls every body the fields of a form."""
    named = {"Content-Type": "application/x-www-form-urlencoded"}
    assert httpx.put(signed(s3, "put_object"), content=b"a=1&sound", headers=named, timeout=5).status_code == 200
    assert world.s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == b"a=1&sound"


def test_a_header_of_s3s_own_has_to_be_signed(s3: ServedS3) -> None:
    address = signed(s3, "put_object")
    reply = s3.send("PUT", address, RECORDING, x_amz_acl="public-read")
    is_refused(reply, 403, "AccessDenied", "There were headers present in the request which were not signed")
    with_type = signed(s3, "put_object", ContentType="audio/wav")
    is_of_another_signature(s3.send("PUT", with_type, RECORDING, Content_Type="text/html"))
    assert s3.send("PUT", with_type, RECORDING, Content_Type="audio/wav").is_success


def test_a_link_that_was_signed_with_another_secret_is_refused(s3: ServedS3) -> None:
    signer = s3.signer(secret="guessed")
    address = signer.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": KEY})
    is_of_another_signature(s3.send("GET", address))


def test_a_link_ends_when_it_says(s3: ServedS3, link: str) -> None:
    is_refused(s3.send("GET", signed(s3, "get_object", seconds=0)), 403, "AccessDenied", "Request has expired")
    too_long = signed(s3, "get_object", seconds=7 * 86_400 + 1)
    is_refused(s3.send("GET", too_long), 400, "AuthorizationQueryParametersError", "less than a week")
    date = dict(parse_qsl(urlsplit(link).query))["X-Amz-Date"]
    later = link.replace(date, f"2999{date[4:]}")
    is_refused(s3.send("GET", later), 403, "AccessDenied", "Request is not valid yet")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("Expires=five", "should be a number"),
        ("Expires=-1", "should be a number"),
        ("Date=today", "ISO8601 Long Format"),
    ],
)
def test_a_link_says_its_time_as_s3_reads_it(s3: ServedS3, link: str, wrong: str, message: str) -> None:
    name = wrong.partition("=")[0]
    changed = re.sub(f"X-Amz-{name}=[^&]+", f"X-Amz-{wrong}", link)
    is_refused(s3.send("GET", changed), 400, "AuthorizationQueryParametersError", message)


def test_a_link_lacks_nothing_that_signs_it(s3: ServedS3, link: str) -> None:
    bare = "&".join(part for part in link.split("&") if "X-Amz-Date" not in part)
    is_refused(s3.send("GET", bare), 400, "AuthorizationQueryParametersError", "requires the X-Amz-Algorithm")
    is_refused(s3.send("GET", link.replace("%2Fs3%2F", "%2Fec2%2F")), 400, "AuthorizationQueryParametersError")


def test_a_link_that_is_signed_in_the_old_form_is_refused_as_in_newer_regions(s3: ServedS3) -> None:
    address = f"{s3.url}/{BUCKET}/a?AWSAccessKeyId=testing&Signature=c2ln&Expires=9999999999"
    is_refused(s3.send("GET", address), 400, "InvalidRequest", "Please use AWS4-HMAC-SHA256")


def test_a_link_and_an_authorization_header_are_one_too_many(s3: ServedS3, link: str) -> None:
    """Therefore no client may keep its API key when it follows the API's redirect."""
    reply = s3.send("GET", link, Authorization="Bearer key")
    is_refused(reply, 400, "InvalidArgument", "Only one auth mechanism allowed")


def test_nobody_reads_or_writes_the_bucket_without_a_signature(s3: ServedS3, link: str) -> None:
    for method in ("GET", "PUT", "DELETE", "POST"):
        is_refused(s3.send(method, urlsplit(link).path, b""), 403, "AccessDenied", "Access Denied")


@pytest.mark.parametrize("without", ["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"])
def test_a_form_lacks_nothing_that_signs_it(s3: ServedS3, without: str) -> None:
    fields = {name: value for name, value in form(s3).items() if name != without}
    is_refused(s3.post(fields), 400, "InvalidArgument", f"a field named '{without}'")


def test_a_form_whose_policy_nobody_signed_is_refused(s3: ServedS3) -> None:
    """Or a page could give itself any key, length and time."""
    wider = form(s3, secret="guessed")
    is_of_another_signature(s3.post(wider))
    is_of_another_signature(
        s3.post({**form(s3), "policy": s3.signer().generate_presigned_post(BUCKET, "b")["fields"]["policy"]})
    )
    assert s3.post(form(s3)).status_code == 204


def test_a_form_fails_once_the_session_that_signed_it_has_ended_and_one_of_the_next_environment_works(
    alice: Client, gateway: Gateway, s3: ServedS3
) -> None:
    """A form says that it is valid for an hour; a function's credentials may end before that."""
    service = gateway.app.state.service()
    service.s3 = s3.signer("first environment")
    job = create(alice)
    given = job["upload"]["fields"]
    assert given["x-amz-security-token"] == "first environment"
    s3.end_session("first environment", time.time() + 3600)
    assert s3.post(given).status_code == 204

    s3.end_session("first environment", time.time())
    is_refused(s3.post(given), 400, "ExpiredToken", "The provided token has expired.")
    service.s3 = s3.signer("second environment")
    renewed = alice.post(f"/api/jobs/{job['job_id']}/upload").json["upload"]["fields"]
    assert renewed["key"] == given["key"]
    assert s3.post(renewed).status_code == 204


def test_nothing_is_good_any_more_once_its_session_has_ended(s3: ServedS3) -> None:
    signer = s3.signer("ending")
    address = signer.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": KEY})
    assert s3.send("PUT", address, RECORDING).is_success
    s3.end_session("ending", time.time())
    is_refused(s3.send("PUT", address, RECORDING), 400, "ExpiredToken")
    called: Any = {"Authorization": "AWS4-HMAC-SHA256 Credential=testing", "X_Amz_Security_Token": "ending"}
    is_refused(s3.send("GET", f"/{BUCKET}/{KEY}", **called), 400, "ExpiredToken")
    reply = s3.send("POST", "/", b"{}", X_Amz_Target="DynamoDB_20120810.ListTables", **called)
    assert (reply.status_code, reply.json()["__type"].split("#")[1]) == (400, "ExpiredTokenException")


def ask(s3: ServedS3, origin: str, method: str = "PUT", names: str = "content-type,x-amz-checksum-sha256") -> Any:
    """A browser's preflight."""
    asked: Any = {
        "Access_Control_Request_Method": method,
        **({"Access_Control_Request_Headers": names} if names else {}),
    }
    return s3.send("OPTIONS", f"/{BUCKET}/{quote(KEY)}", Origin=origin, **asked)


def let_in(world: World, *origins: str, **more: Any) -> None:
    """As Terraform configures the bucket, but for what is given."""
    wanted: Any = resources.bucket_cors(origins)
    wanted["CORSRules"][0].update(more)
    world.s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration=wanted)


def test_a_preflight_of_a_listed_origin_may_send_what_a_page_sends(world: World, s3: ServedS3) -> None:
    let_in(world, PAGE, "http://localhost:5173")
    for origin in (PAGE, "http://localhost:5173"):
        for method in ("GET", "HEAD", "POST", "PUT"):
            assert ask(s3, origin, method).status_code == 200
    assert of_cors(ask(s3, PAGE)) == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "GET, HEAD, POST, PUT",
        "access-control-allow-headers": "content-type, x-amz-checksum-sha256",
        "access-control-expose-headers": "ETag, x-amz-id-2, x-amz-request-id",
        "access-control-max-age": "3600",
        "access-control-allow-credentials": "true",
    }
    assert "Origin" in ask(s3, PAGE).headers["vary"]


@pytest.mark.parametrize(
    "origin", [OTHER, "null", f"{PAGE}:8443", f"{PAGE}.evil.example.com", "http://app.example.com"]
)
def test_a_preflight_of_any_other_origin_is_refused(world: World, s3: ServedS3, origin: str) -> None:
    let_in(world, PAGE)
    refused = ask(s3, origin)
    is_refused(refused, 403, "AccessForbidden", "CORSResponse: This CORS request is not allowed.")
    assert of_cors(refused) == {}


def test_a_preflight_for_a_method_or_a_header_that_no_rule_has_is_refused(world: World, s3: ServedS3) -> None:
    let_in(world, PAGE, AllowedHeaders=["content-*"])
    is_refused(ask(s3, PAGE, "DELETE", ""), 403, "AccessForbidden")
    is_refused(ask(s3, PAGE), 403, "AccessForbidden")
    assert ask(s3, PAGE, names="Content-Type").status_code == 200


def test_without_a_configuration_no_preflight_is_answered(s3: ServedS3) -> None:
    is_refused(ask(s3, PAGE), 403, "AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.")
    is_refused(s3.send("OPTIONS", f"/{BUCKET}/a"), 400, "BadRequest", "Origin request header needed.")


def test_an_answer_may_be_read_by_a_listed_origin_and_a_refusal_too(world: World, s3: ServedS3, link: str) -> None:
    let_in(world, PAGE)
    for address, status in ((link, 200), (f"{link}&a=b", 403)):
        replies = [s3.send("GET", address, Origin=origin) for origin in (PAGE, OTHER, "null")]
        assert [reply.status_code for reply in replies] == [status] * 3
        assert [of_cors(reply).get("access-control-allow-origin") for reply in replies] == [PAGE, None, None]
        assert of_cors(replies[0])["access-control-expose-headers"].startswith("ETag")
        assert [of_cors(reply) for reply in replies[1:]] == [{}, {}]
    assert of_cors(s3.send("GET", link)) == {}
    assert of_cors(s3.post(form(s3), Origin=PAGE))["access-control-allow-origin"] == PAGE
    assert of_cors(s3.post(form(s3), Origin=OTHER)) == {}


def test_the_first_rule_that_fits_counts_and_a_star_stands_for_anything(world: World, s3: ServedS3) -> None:
    rules: Any = [
        {"AllowedOrigins": ["https://*.example.com"], "AllowedMethods": ["GET"], "MaxAgeSeconds": 1},
        {"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "PUT"]},
    ]
    world.s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": rules})
    assert of_cors(ask(s3, PAGE, "GET", ""))["access-control-max-age"] == "1"
    assert of_cors(ask(s3, PAGE, "PUT", "")) == {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET, PUT",
    }


def test_no_other_service_lets_in_pages_of_other_origins(world: World, s3: ServedS3) -> None:
    let_in(world, PAGE)
    is_refused(s3.send("OPTIONS", "/", Origin=PAGE, Access_Control_Request_Method="POST"), 403, "AccessForbidden")
    called: Any = {
        "Origin": PAGE,
        "X_Amz_Target": "DynamoDB_20120810.ListTables",
        "Content_Type": "application/x-amz-json-1.0",
    }
    assert of_cors(s3.send("POST", "/", b"{}", **called)) == {}
