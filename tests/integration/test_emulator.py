"""The emulator's DynamoDB answers quickly, and word for word what moto by itself would answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

import boto3
import moto.backends
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from services.local.emulator import calls, dynamodb, patches, relevant_items
from services.local.resources import TABLE_SHAPE
from tests.support.world import dated_by

TABLE = "things"
SHAPE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind}
        for name, kind in {"pk": "S", "sk": "N", "kind": "S", "at": "N", "name": "S"}.items()
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "due",
            "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"},
        },
        {
            "IndexName": "named",
            "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "name", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        },
        {
            "IndexName": "of_a_kind",
            "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        },
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "local",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "name", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["more"]},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
KEYS = {None: ("pk", "sk"), "due": ("kind", "at"), "named": ("kind", "name"), "local": ("pk", "name")}
"""By index; None: the table's own."""
VALUES: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "pk": [{"S": "a"}, {"S": "b"}],
    "sk": [{"N": number} for number in ("-1", "0", "2", "3.5", "10")],
    "kind": [{"S": "queued"}, {"S": "running"}],
    "at": [{"N": number} for number in ("-2", "1", "1.0", "9", "10")],
    "name": [{"S": text} for text in ("A", "Ab", "Abc", "B", "Å", "𐀀")],
    "more": [
        *({"S": ""}, {"N": "7"}, {"BOOL": False}, {"NULL": True}, {"SS": ["x", "y"]}, {"NS": ["1"]}, {"B": b"\0\xff"}),
        *({"BS": [b"1"]}, {"L": [{"S": "x"}, {"B": b"x"}]}, {"M": {}}, {"M": {"x": {"L": []}, "y": {"N": "1"}}}),
    ],
}


@cache
def _client() -> Any:
    return boto3.client("dynamodb", "eu-north-1", aws_access_key_id="test", aws_secret_access_key="test")


@contextmanager
def emulated_table() -> Iterator[Any]:
    dynamodb.apply()
    with mock_aws():
        _client().create_table(TableName=TABLE, **SHAPE)
        yield _client()


@contextmanager
def moto_by_itself() -> Iterator[None]:
    """It goes through everything, and encodes everything."""
    with (
        patch.object(relevant_items, "queried", lambda *_, **__: None),
        patch.object(relevant_items, "scanned", lambda *_: None),
        patch.object(dynamodb, "is_json", lambda _: False),
    ):
        yield


def outcome(call: Callable[..., Any], request: Mapping[str, Any]) -> Any:
    """What was answered, or why nothing was."""
    try:
        reply = call(TableName=TABLE, **request)
    except Exception as error:  # noqa: BLE001 - moto breaks in many ways, and is to break in the same
        return type(error).__name__, str(error)
    return {name: reply.get(name) for name in ("Items", "Count", "ScannedCount", "LastEvaluatedKey")}


def pages(call: Callable[..., Any], request: Mapping[str, Any]) -> list[Any]:
    """Each page, by itself held against moto's."""
    found: list[Any] = []
    while True:
        found.append(outcome(call, request))
        with moto_by_itself():
            assert outcome(call, request) == found[-1], request
        if not isinstance(found[-1], dict) or not found[-1]["LastEvaluatedKey"]:
            return found
        request = {**request, "ExclusiveStartKey": found[-1]["LastEvaluatedKey"]}


def one_of(name: str) -> st.SearchStrategy[Mapping[str, Any]]:
    return st.sampled_from(VALUES[name])


def attributes(*names: str, rest: Sequence[str] = ()) -> st.SearchStrategy[dict[str, Any]]:
    """Those named, and perhaps some of the rest."""
    return st.fixed_dictionaries({name: one_of(name) for name in names}, optional={name: one_of(name) for name in rest})


KEY, OTHERS = attributes("pk", "sk"), ("kind", "at", "name", "more")
PUTS = st.builds(lambda item: ("put", {"Item": item}), attributes("pk", "sk", rest=OTHERS))
DELETES = st.builds(lambda key: ("delete", {"Key": key}), KEY)


def update(key: Mapping[str, Any], wanted: Mapping[str, Any], unwanted: set[str]) -> tuple[str, dict[str, Any]]:
    unwanted -= wanted.keys()
    names = {f"#{name}": name for name in {*wanted, *unwanted}}
    clauses = [f"SET {', '.join(f'#{name} = :{name}' for name in wanted)}"] if wanted else []
    clauses += [f"REMOVE {', '.join(f'#{name}' for name in unwanted)}"] if unwanted else []
    values = {f":{name}": value for name, value in wanted.items()}
    return "update", {
        "Key": key,
        "UpdateExpression": " ".join(clauses) or "REMOVE absent",
        **({"ExpressionAttributeNames": names} if names else {}),
        **({"ExpressionAttributeValues": values} if values else {}),
    }


UPDATES = st.builds(update, KEY, attributes(rest=OTHERS), st.sets(st.sampled_from(OTHERS)))
WRITES = PUTS | DELETES | UPDATES
PRESENCE = st.sampled_from([None, None, "attribute_exists(pk)", "attribute_not_exists(pk)"])
TRANSACTIONS = st.lists(st.tuples(WRITES, PRESENCE), min_size=1, max_size=3).map(lambda entries: ("transact", entries))


def do(client: Any, verb: str, what: Any) -> None:
    if verb != "transact":
        getattr(client, f"{verb}_item")(TableName=TABLE, **what)
        return
    entries = [
        {name.capitalize(): {"TableName": TABLE, **one, **({"ConditionExpression": when} if when else {})}}
        for (name, one), when in what
    ]
    try:
        client.transact_write_items(TransactItems=entries)
    except ClientError:
        """A condition failed, or one item was named twice: nothing may have changed."""


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    index = draw(st.sampled_from([None, "due", "named", "local", "of_a_kind"]))
    first, second = KEYS.get(index, ("kind", ""))
    conditions = ["", "#2 = :2", "#2 < :2", "#2 <= :2", "#2 > :2", "#2 >= :2", "#2 BETWEEN :2 AND :3"]
    conditions += ["begins_with(#2, :2)"] * 2 if second == "name" else []
    condition = draw(st.sampled_from(conditions)) if second else ""
    start = draw(st.none() | st.none() | attributes(*dict.fromkeys(filter(None, (first, second, "pk", "sk")))))
    filtered = draw(st.booleans())
    names = {"#1": first, **({"#2": second} if condition else {}), **({"#4": "at"} if filtered else {})}
    values = {":1": start[first] if start else draw(one_of(first))}
    values |= {name: draw(one_of(second)) for name in (":2", ":3") if name in condition}
    values |= {":4": {"N": "1"}} if filtered else {}
    return "query", {
        "KeyConditionExpression": f"#1 = :1 AND {condition}" if condition else "#1 = :1",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ScanIndexForward": draw(st.booleans()),
        **({"IndexName": index} if index else {}),
        **({"Limit": limit} if (limit := draw(st.sampled_from([0, 1, 1, 2, 3]))) else {}),
        **({"ExclusiveStartKey": start} if start else {}),
        **({"FilterExpression": "#4 > :4"} if filtered else {}),
        **({"ProjectionExpression": "pk, more"} if draw(st.booleans()) else {}),
    }


SCANS = st.builds(
    lambda limit, start, index: (
        "scan",
        {
            **({"Limit": limit} if limit else {}),
            **({"ExclusiveStartKey": start} if start and not index else {}),
            **({"IndexName": "due"} if index else {}),
        },
    ),
    *(st.integers(0, 4), st.none() | KEY, st.booleans()),
)


ROUND = st.tuples(
    st.lists(WRITES | TRANSACTIONS, min_size=1, max_size=6),
    st.lists(queries() | queries() | queries() | SCANS, min_size=8, max_size=12),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(PUTS, min_size=12, max_size=20), st.lists(ROUND, min_size=2, max_size=3))
def test_whatever_was_written_every_page_of_every_look_up_is_what_moto_finds_by_itself(
    puts: Sequence[tuple[str, Any]], rounds: Sequence[tuple[Sequence[tuple[str, Any]], Sequence[tuple[str, Any]]]]
) -> None:
    with emulated_table() as client:
        for writes, look_ups in [(puts, ()), *rounds]:
            for verb, what in writes:
                do(client, verb, what)
            for verb, what in look_ups:
                pages(getattr(client, verb), what)


def test_a_page_of_large_items_ends_where_moto_ends_it() -> None:
    """Also where what does not fit meets no condition, and stands behind something that does fit."""
    with emulated_table() as client:
        for number, size in enumerate([350_000, 350_000, 1, 350_000, 350_000]):
            item = {"pk": {"S": "a"}, "sk": {"N": str(number)}, "more": {"S": "x" * size}}
            client.put_item(TableName=TABLE, Item=item)
        for condition in ("sk <= :end", "sk >= :end"):
            for end in range(5):
                for forward in (True, False):
                    request = {
                        "KeyConditionExpression": f"pk = :pk AND {condition}",
                        "ExpressionAttributeValues": {":pk": {"S": "a"}, ":end": {"N": str(end)}},
                        "ScanIndexForward": forward,
                    }
                    pages(client.query, request)
        assert len(pages(client.scan, {})) == 2


@pytest.mark.parametrize("where", [{"IndexName": "due"}, {"IndexName": "named"}])
def test_keys_of_a_wrong_type_lead_where_they_lead_with_moto(where: Mapping[str, str]) -> None:
    """DynamoDB takes no such item; moto does."""
    first, second = KEYS[where["IndexName"]]
    with emulated_table() as client:
        for number, value in enumerate([{"N": "1"}, {"S": "b"}, {"BOOL": True}, {"N": "2"}]):
            item = {"pk": {"S": "a"}, "sk": {"N": str(number)}, first: {"S": "queued"}, second: value}
            client.put_item(TableName=TABLE, Item=item)
            values = {":1": {"S": "queued"}}
            pages(
                client.query, {"KeyConditionExpression": f"{first} = :1", "ExpressionAttributeValues": values, **where}
            )


def test_conditions_of_the_old_kind_lead_where_they_lead_with_moto() -> None:
    with emulated_table() as client:
        for number in range(6):
            item = {"pk": {"S": "a"}, "sk": {"N": str(number)}, "at": {"N": str(number % 2)}}
            client.put_item(TableName=TABLE, Item=item)
        is_a = {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}
        is_one = {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "1"}]}
        pages(client.query, {"KeyConditions": {"pk": is_a}, "Limit": 2})
        pages(client.query, {"KeyConditions": {"pk": is_a}, "QueryFilter": {"at": is_one}, "Limit": 2})


def steps_of(work: Callable[[], Any]) -> int:
    """Functions that are called, Python's own and the interpreter's."""
    seen = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal seen
        seen += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return seen


def test_a_call_costs_as_much_in_a_full_table_as_in_a_small_one() -> None:
    """Work is counted, not timed. What may grow is a search by halves."""
    queue = {
        "KeyConditionExpression": "kind = :kind AND #at <= :now",
        "ExpressionAttributeNames": {"#at": "at"},
        "ExpressionAttributeValues": {":kind": {"S": "queued"}, ":now": {"N": "900"}},
        "IndexName": "due",
        "Limit": 10,
    }
    own = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "a7"}}}

    def item(number: int) -> dict[str, Any]:
        return {"pk": {"S": f"a{number}"}, "sk": {"N": "1"}, "kind": {"S": "queued"}, "at": {"N": str(number)}}

    with emulated_table() as client:

        def write(number: int) -> None:
            put = {"Put": {"TableName": TABLE, "Item": item(number), "ConditionExpression": "attribute_not_exists(pk)"}}
            client.transact_write_items(TransactItems=[put])

        def calls(number: int) -> list[int]:
            """In the second round: the first one pays for what is made once."""
            for _ in range(2):
                number += 1
                found = [
                    steps_of(lambda: write(number)),  # noqa: B023 - called at once
                    steps_of(lambda: client.query(TableName=TABLE, **queue)),
                    steps_of(lambda: client.query(TableName=TABLE, **own)),
                ]
            return found

        for number in range(20):
            write(number)
        small = calls(20)
        for number in range(100, 500):
            client.put_item(TableName=TABLE, Item=item(number))
        full = calls(500)
    assert [round(after / before, 1) for before, after in zip(small, full, strict=True)] == [1.0, 1.0, 1.0]


def test_a_role_removed_from_its_profile_twice_is_not_there_as_iam_says() -> None:
    patches.apply()
    with mock_aws():
        iam = boto3.client("iam", "eu-north-1", aws_access_key_id="x", aws_secret_access_key="x")
        iam.create_role(RoleName="worker", AssumeRolePolicyDocument="{}")
        iam.create_instance_profile(InstanceProfileName="worker")
        names = {"InstanceProfileName": "worker", "RoleName": "worker"}
        iam.add_role_to_instance_profile(**names)
        iam.remove_role_from_instance_profile(**names)
        with pytest.raises(iam.exceptions.NoSuchEntityException):
            iam.remove_role_from_instance_profile(**names)


def test_a_rule_that_is_revoked_twice_is_not_there_as_ec2_says() -> None:
    patches.apply()
    port = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    with mock_aws():
        ec2: Any = boto3.client("ec2", "eu-north-1", aws_access_key_id="x", aws_secret_access_key="x")
        group = ec2.create_security_group(GroupName="machines", Description="-")["GroupId"]
        (rule,) = ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[port])["SecurityGroupRules"]
        asked = {"GroupId": group, "SecurityGroupRuleIds": [rule["SecurityGroupRuleId"]]}
        ec2.revoke_security_group_egress(**asked)
        with pytest.raises(ClientError, match=r"InvalidSecurityGroupRuleId\.NotFound"):
            ec2.revoke_security_group_egress(**asked)
        with pytest.raises(ClientError, match=r"InvalidPermission\.NotFound"):
            ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[port])


def test_the_emulator_does_not_look_through_motos_folder_at_every_call() -> None:
    calls.apply()
    with patch("os.listdir", side_effect=AssertionError):
        assert {"s3", "dynamodb", "sqs"} <= set(moto.backends.list_of_moto_modules())


def test_all_tags_of_a_table_are_listed_at_once_as_dynamodb_does() -> None:
    """Terraform asks once, and would otherwise see a change in every plan."""
    patches.apply()
    tags: list[Any] = [{"Key": f"own-{number}", "Value": "one"} for number in range(12)]
    with mock_aws():
        client = boto3.client("dynamodb", "eu-north-1", aws_access_key_id="x", aws_secret_access_key="x")
        table = client.create_table(TableName="jobs", **TABLE_SHAPE, Tags=tags)["TableDescription"]
        reply = client.list_tags_of_resource(ResourceArn=table["TableArn"])
        assert sorted(reply["Tags"], key=str) == sorted(tags, key=str)
        assert "NextToken" not in reply


def test_an_upload_in_parts_is_dated_by_its_beginning_as_s3_says() -> None:
    patches.apply()
    clock = [1_800_000_000_000]
    with mock_aws(), dated_by(lambda: clock[0]):
        s3 = boto3.client("s3", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        s3.create_bucket(Bucket="bucket")
        begun = s3.create_multipart_upload(Bucket="bucket", Key="k")["UploadId"]
        part = s3.upload_part(Bucket="bucket", Key="k", UploadId=begun, PartNumber=1, Body=b"sound")
        clock[0] += 60_000
        parts: Any = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        s3.complete_multipart_upload(Bucket="bucket", Key="k", UploadId=begun, MultipartUpload=parts)
        assert s3.head_object(Bucket="bucket", Key="k")["LastModified"].timestamp() == 1_800_000_000
        s3.put_object(Bucket="bucket", Key="k", Body=b"sound")
        assert s3.head_object(Bucket="bucket", Key="k")["LastModified"].timestamp() == 1_800_000_060
