"""Turns operations into DynamoDB's requests: condition and update expressions with their placeholders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import ConditionExpressionBuilder

from services.common.domain.records import SCHEMA_VERSION
from services.common.store.codec import attribute, encode
from services.common.store.operations import Check, Delete, Operation, Put, Update

if TYPE_CHECKING:
    from services.common.store.keys import Key


def wire_key(key: Key) -> dict[str, Any]:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def request_of(operation: Operation, write_id: str, table: str) -> tuple[str, dict[str, Any]]:
    """The operation's verb and its arguments, the same for a single write and inside a transaction."""
    request: dict[str, Any] = {"TableName": table}
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    if operation.when is not None:
        built = ConditionExpressionBuilder().build_expression(operation.when)
        request["ConditionExpression"] = built.condition_expression
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        names |= built.attribute_name_placeholders
        values |= {name: attribute(value) for name, value in built.attribute_value_placeholders.items()}
    match operation:
        case Put():
            verb = "Put"
            request["Item"] = encode({"schema_version": SCHEMA_VERSION, **operation.item, "write_id": write_id})
        case Update():
            verb = "Update"
            request["Key"] = wire_key(operation.key)
            request["UpdateExpression"] = _update_expression(operation, write_id, names, values)
        case Delete():
            verb = "Delete"
            request["Key"] = wire_key(operation.key)
        case Check():
            verb = "ConditionCheck"
            request["Key"] = wire_key(operation.key)
    if names:
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = values
    return verb, request


def _update_expression(operation: Update, write_id: str, names: dict[str, str], values: dict[str, Any]) -> str:
    """`SET … ADD … REMOVE …`; a dotted name in `set` or `add` is a path into a map."""

    def place(path: str) -> str:
        steps = []
        for step in path.split("."):
            placeholder = f"#u{len(names)}"
            names[placeholder] = step
            steps.append(placeholder)
        return ".".join(steps)

    def value(content: object) -> str:
        placeholder = f":u{len(values)}"
        values[placeholder] = attribute(content)
        return placeholder

    def raised(path: str, content: object) -> str:
        # ADD takes attributes of the item itself. A count in an existing map is set to its old value plus the addition.
        here = place(path)
        return f"{here} = if_not_exists({here}, {value(0)}) + {value(content)}"

    wanted = {**operation.set, "write_id": write_id}
    setting = [f"{place(name)} = {value(content)}" for name, content in wanted.items() if content is not None]
    setting += [raised(name, content) for name, content in operation.add.items() if "." in name]
    adding = [f"{place(name)} {value(content)}" for name, content in operation.add.items() if "." not in name]
    removing = [place(name) for name, content in wanted.items() if content is None]
    removing += [place(name) for name in operation.remove]
    clauses = [("SET", setting), ("ADD", adding), ("REMOVE", removing)]
    return " ".join(f"{verb} {', '.join(entries)}" for verb, entries in clauses if entries)
