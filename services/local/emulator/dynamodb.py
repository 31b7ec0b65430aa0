"""Patches that make moto's DynamoDB as fast with ten thousand jobs as with ten: transactions, look-ups and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.core.serialize import JSONSerializer
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node

from services.local.emulator import calls, indexes, transactions


def apply() -> None:
    """Patch moto in this process; once is enough, twice does no harm."""
    calls.apply()
    transactions.apply()
    indexes.apply()
    quick_answers()
    quick_updates()


def quick_updates() -> None:
    """Moto walks through an update expression ten times, and at each node computes anew which nodes it wants."""
    if getattr(DepthFirstTraverser, "_walk_patched", False):
        return
    DepthFirstTraverser._walk_patched = True
    DepthFirstTraverser.traverse = _traverse


def _traverse(traverser: Any, root: Any) -> Any:
    """Traverse as moto does: children first, and each wanted node is replaced by the result of its processing."""
    wanted = traverser.nodes_to_be_processed()
    before = traverser.pre_processing_of_child

    def walk(node: Any, place: int) -> Any:
        if not isinstance(node, Node):
            return node
        parent = node.parent
        for number, child in enumerate(node.children or ()):
            before(node, number)
            if type(child) not in _LEAVES:
                walk(child, number)
        if isinstance(node, wanted):
            node = traverser.process(node)
            node.parent = parent
            if parent:
                parent.children[place] = node
        return node

    return walk(root, -1)


_LEAVES = frozenset({str, int, bool, type(None)})


def quick_answers() -> None:
    """An item's value is JSON already. Moto looks in each value for every type under every name that it might have,
    which took three quarters of the emulator's time.
    """
    if getattr(JSONSerializer, "_values_patched", False):
        return
    JSONSerializer._values_patched = True
    original = JSONSerializer._serialize_type_structure

    def structure(serializer: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name == "AttributeValue" and serializer.service_model.service_name == "dynamodb" and is_json(value):
            serialized[key] = value
        else:
            original(serializer, serialized, value, shape, key)

    JSONSerializer._serialize_type_structure = structure


def _all_are(kind: type) -> Callable[[Any], bool]:
    return lambda content: type(content) is list and all(type(one) is kind for one in content)


_IS_JSON: Mapping[str, Callable[[Any], bool]] = {
    "S": lambda content: type(content) is str,
    "N": lambda content: type(content) is str,
    "BOOL": lambda content: type(content) is bool,
    "NULL": lambda content: content is True,
    "SS": _all_are(str),
    "NS": _all_are(str),
    "L": lambda content: type(content) is list and all(map(is_json, content)),
    "M": lambda content: type(content) is dict and all(map(is_json, content.values())),
}


def is_json(value: Any) -> bool:
    """Whether DynamoDB's answer holds this value unchanged; a value with bytes in it has to be encoded first."""
    if type(value) is not dict or len(value) != 1:
        return False
    ((kind, content),) = value.items()
    return kind in _IS_JSON and _IS_JSON[kind](content)
