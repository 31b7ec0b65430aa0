"""Which AWS operations the code can ask for at all, so that none stays unrecorded because no test goes that way."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
from botocore import xform_name

ROOT = Path(__file__).parents[2] / "services"
_SERVICES = ("cloudwatch", "dynamodb", "ec2", "kms", "logs", "s3", "sqs", "ssm")
# boto3's own methods that stand for operations.
_TRANSFERS = {"download_file": "GetObject", "generate_presigned_post": "PutObject"}
_NOT_AWS = {"sign"}
"""The webhook library has a method of this name, and so has KMS."""
_BY_NAME = {"get_paginator", "get_waiter", "generate_presigned_url"}


def in_code(room: str) -> set[str]:
    """Operations named by the Python files of a room, such as `orchestrator`."""
    found: set[str] = set()
    for path in sorted((ROOT / room).rglob("*.py")):
        found.update(_named(ast.parse(path.read_text(encoding="utf-8"))))
    return found


def in_record(file: Path) -> set[str]:
    """Operations that a process was recorded asking for."""
    return {json.loads(line)["operation"] for line in file.read_text(encoding="utf-8").splitlines()}


def _named(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name = node.func.attr
        if name in _TRANSFERS:
            yield _TRANSFERS[name]
        elif name in _BY_NAME and node.args and isinstance(node.args[0], ast.Constant):
            yield _operations()[str(node.args[0].value)]
        elif name in _operations():
            yield _operations()[name]


@cache
def _operations() -> dict[str, str]:
    """Operation by the name of its method."""
    session = botocore.session.get_session()
    models = (session.get_service_model(service) for service in _SERVICES)
    named = {xform_name(operation): operation for model in models for operation in model.operation_names}
    return {name: operation for name, operation in named.items() if name not in _NOT_AWS}
