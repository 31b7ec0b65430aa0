"""The judge of least privilege must itself be just: what it allows, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.aws_requests import Request, requests_of
from tests.support.iam_policies import statements

TABLE = "arn:aws:dynamodb:eu-north-1:123456789012:table/jobs"
LEADING = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["JOB#*", "SLOT"]}}
TAGGED = {"StringEquals": {"ec2:ResourceTag/transcribe-deployment": "transcription"}}
SEALED = {"Null": {"kms:EncryptionContext:callback_id": "false"}}


def allows(request: Request, **statement: Any) -> bool:
    (judged,) = statements([{"Statement": {"Effect": "Allow", **statement}}])
    return judged.allows(request)


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("s3:GetObject", "arn:aws:s3:::bucket/uploads/a/b.mp3", True),
        ("s3:GetObject", "arn:aws:s3:::bucket/results/a", False),
        ("s3:PutObject", "arn:aws:s3:::bucket/uploads/a", False),
        ("s3:GetObject", "arn:aws:s3:::bucketXuploads/a", False),
    ],
)
def test_action_and_resource_must_both_match(action: str, resource: str, *, allowed: bool) -> None:
    wanted = {"Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::bucket/uploads/*"}
    assert allows(Request(action, resource), **wanted) is allowed


@pytest.mark.parametrize(("keys", "allowed"), [(["JOB#1"], True), (["SLOT"], True), (["KEY#1"], False), ([], True)])
def test_leading_keys_must_all_be_granted(keys: list[str], *, allowed: bool) -> None:
    request = Request("dynamodb:PutItem", TABLE, {"dynamodb:LeadingKeys": keys})
    assert allows(request, Action="dynamodb:PutItem", Resource=TABLE, Condition=LEADING) is allowed


@pytest.mark.parametrize(("tag", "allowed"), [(["transcription"], True), (["other"], False), ([], False)])
def test_a_machine_without_our_tag_is_not_ours(tag: list[str], *, allowed: bool) -> None:
    request = Request("ec2:TerminateInstances", "i-1", {"ec2:ResourceTag/transcribe-deployment": tag})
    assert allows(request, Action="ec2:TerminateInstances", Resource="*", Condition=TAGGED) is allowed


@pytest.mark.parametrize(("context", "allowed"), [({"kms:EncryptionContext:callback_id": ["cb"]}, True), ({}, False)])
def test_a_key_that_must_be_there_must_be_there(context: dict[str, list[str]], *, allowed: bool) -> None:
    assert (
        allows(Request("kms:Decrypt", "key", context), Action="kms:Decrypt", Resource="key", Condition=SEALED)
        is allowed
    )


COUNTING = {
    "StringEquals": {"dynamodb:Select": "COUNT"},
    "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "queued"},
}


@pytest.mark.parametrize(
    ("kind", "more", "allowed"),
    [("queued", {"Select": "COUNT"}, True), ("queued", {}, False), ("running", {"Select": "COUNT"}, False)],
)
def test_who_may_count_one_kind_in_an_index_may_neither_read_it_nor_count_another(
    kind: str, more: dict[str, str], *, allowed: bool
) -> None:
    query = {
        "TableName": "jobs",
        "IndexName": "due",
        "KeyConditionExpression": "due_kind = :kind AND due_at < :before",
        "ExpressionAttributeValues": {":kind": {"S": kind}, ":before": {"N": "1"}},
        **more,
    }
    (request,) = requests_of("dynamodb", "Query", query)
    assert allows(request, Action="dynamodb:Query", Resource=f"{TABLE}/index/due", Condition=COUNTING) is allowed


def test_denials_and_unknown_operators_are_not_passed_over() -> None:
    with pytest.raises(LookupError):
        statements([{"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}])
    with pytest.raises(LookupError):
        allows(
            Request("a:B", "c", {"key": ["1"]}),
            Action="a:B",
            Resource="c",
            Condition={"NumericEquals": {"key": "1"}},
        )


def test_a_transaction_is_authorised_step_by_step() -> None:
    key = {"pk": {"S": "JOB#1"}, "sk": {"S": "JOB"}}
    steps = [{"Put": {"TableName": "jobs", "Item": key}}, {"Delete": {"TableName": "jobs", "Key": key}}]
    asked = requests_of("dynamodb", "TransactWriteItems", {"TransactItems": steps})
    assert [request.action for request in asked] == ["dynamodb:PutItem", "dynamodb:DeleteItem"]
    assert all(request.context == {"dynamodb:LeadingKeys": ["JOB#1"]} for request in asked)


@pytest.mark.parametrize(("upon", "asked"), [({}, 1), ({"IfMatch": '"etag"'}, 2)])
def test_who_deletes_an_object_upon_its_etag_must_be_allowed_to_read_it(upon: dict[str, str], asked: int) -> None:
    requests = requests_of("s3", "DeleteObject", {"Bucket": "bucket", "Key": "results/a", **upon})
    actions = ["s3:DeleteObject", "s3:GetObject"][:asked]
    assert requests == [Request(action, "arn:aws:s3:::bucket/results/a") for action in actions]


def test_amazons_public_parameters_belong_to_no_account() -> None:
    public, own = requests_of("ssm", "GetParameters", {"Names": ["/aws/service/x", "/transcription/image"]})
    assert public.resource == "arn:aws:ssm:eu-north-1::parameter/aws/service/x"
    assert own.resource == "arn:aws:ssm:eu-north-1:123456789012:parameter/transcription/image"


def test_a_call_that_nobody_thought_of_is_an_error() -> None:
    with pytest.raises(LookupError):
        requests_of("dynamodb", "Scan", {"TableName": "jobs"})
