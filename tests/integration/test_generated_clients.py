"""The API's document is one that clients are generated from; `./nox -s clients` also uses them and lints it."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from services.common.domain.options import STYLES
from tests.clients.generated import CLIENTS, PYTHON, ROOT, Client

GENERATED = "gpu_transcriber_client"
IMPORT_ALL = f"""
import importlib, pkgutil, {GENERATED} as made
print(*(importlib.import_module(one.name).__name__ for one in pkgutil.walk_packages(made.__path__, "{GENERATED}.")))
"""
COMPILE_ALL = "for (const one of JSON.parse(process.argv[1])) new RegExp(one, 'u');"


def found(node: Any, word: str) -> Iterator[str]:
    """What schemas say under a keyword; a property of that name has a schema there, and no string."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == word and isinstance(value, str):
                yield value
            elif key != "example":
                yield from found(value, word)
    elif isinstance(node, list):
        for one in node:
            yield from found(one, word)


def everywhere(word: str) -> set[str]:
    """The same of the document and of the schemas of messages and transcripts."""
    documents = (ROOT / "docs" / "api").glob("*.json")
    return {one for path in documents for one in found(json.loads(path.read_text("utf-8")), word)}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Write nothing among the tests' dots."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where the document of docs/api is served as a deployment serves its own."""
    (tmp_path / "api").symlink_to(ROOT / "docs" / "api")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_client_in_python_is_generated_without_a_warning_and_has_every_operation(
    address: str, tmp_path: Path
) -> None:
    place = PYTHON.prepare(tmp_path / "client")

    place.run(f"{PYTHON.generate} {PYTHON.strictly}", TRANSCRIBE_URL=address)
    modules = place.run(f"python -W error -c '{IMPORT_ALL}'").split()

    offered = {one.rsplit(".", 1)[1] for one in modules if one.startswith(f"{GENERATED}.api.")}
    assert {one for one in everywhere("operationId") if not one.startswith("on_")} <= offered


def enumerated(node: Any, place: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every list of several words in a document, with the place where it stands."""
    if isinstance(node, dict):
        if isinstance(words := node.get("enum"), list) and len(words) > 1:
            yield place, tuple(words)
        for key, value in node.items():
            yield from enumerated(value, f"{place}/{key}")
    elif isinstance(node, list):
        for one in node:
            yield from enumerated(one, place)


def test_the_same_words_are_one_type_wherever_they_are_taken_or_shown() -> None:
    document = json.loads((ROOT / "docs/api/openapi.json").read_text("utf-8"))
    named = {name: tuple(schema.get("enum", ())) for name, schema in document["components"]["schemas"].items()}
    roots = {f"/components/schemas/{name}" for name in named}
    inline = Counter(words for place, words in enumerated(document) if place not in roots)

    repeated = {words for words, times in inline.items() if times > 1 or words in named.values()}
    assert repeated == {STYLES}, "a deployment takes those of its models only, and shows also earlier ones"


def test_metadata_is_one_type_wherever_it_is_taken_or_shown() -> None:
    schemas = json.loads((ROOT / "docs/api/openapi.json").read_text("utf-8"))["components"]["schemas"]
    found = {
        name: one["properties"]["metadata"] for name, one in schemas.items() if "metadata" in one.get("properties", {})
    }

    assert {"NewJob", "JobUpdate", "JobView", "JobEventData", "Transcript"} <= found.keys()
    assert all("#/components/schemas/Metadata" in json.dumps(one) for one in found.values()), found


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_the_guide_shows_the_command_that_is_proved(client: Client) -> None:
    assert client.generate in (ROOT / "docs/api/README.md").read_text("utf-8")


@pytest.mark.npm
def test_every_pattern_is_a_regular_expression_of_javascript_with_the_flag_u() -> None:
    patterns = json.dumps(sorted(everywhere("pattern")))
    subprocess.run(["node", "-e", COMPILE_ALL, patterns], check=True)


def test_every_format_is_one_that_generators_know() -> None:
    assert everywhere("format") == {"date-time", "uri", "uri-reference"}
