"""A small hub of models: the part of its HTTP API that is asked, over files of one commit a revision."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

LARGE_FROM = 1_000
"""Bytes, from which on a file lies in large file storage, whose digest the hub knows."""


class Hub:
    """The models that the hub holds, and the paths that it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._models: dict[tuple[str, str], tuple[str, Mapping[str, bytes]]] = {}

    def put(self, name: str, revision: str, files: Mapping[str, bytes], commit: str = "") -> None:
        """A model's files, at this branch or commit; `commit`: where it is a branch."""
        for known in (revision, commit or revision):
            self._models[name, known] = (commit or revision, files)

    def answer(self, path: str) -> tuple[dict[str, str], bytes] | None:
        """Headers and body; None for what is not there."""
        words = path.strip("/").split("/")
        match words:
            case ["api", "models", owner, name, "revision", revision]:
                return self._information(f"{owner}/{name}", revision)
            case ["api", "models", owner, name, "tree", revision, *_]:
                return self._tree(f"{owner}/{name}", revision)
            case [owner, name, "resolve", revision, file]:
                return self._file(f"{owner}/{name}", revision, file)
        return None

    def _information(self, name: str, revision: str) -> tuple[dict[str, str], bytes] | None:
        if (name, revision) not in self._models:
            return None
        commit, files = self._models[name, revision]
        siblings = [{"rfilename": file, "size": len(data), **_lfs(data, "sha256")} for file, data in files.items()]
        return {}, json.dumps({"id": name, "sha": commit, "siblings": siblings}).encode()

    def _tree(self, name: str, revision: str) -> tuple[dict[str, str], bytes] | None:
        if (name, revision) not in self._models:
            return None
        _, files = self._models[name, revision]
        entries = [
            {
                "type": "file",
                "path": file,
                "size": len(data),
                "oid": hashlib.sha1(data).hexdigest(),
                **_lfs(data, "oid"),
            }
            for file, data in files.items()
        ]
        return {}, json.dumps(entries).encode()

    def _file(self, name: str, revision: str, file: str) -> tuple[dict[str, str], bytes] | None:
        commit, files = self._models.get((name, revision), ("", {}))
        if file not in files:
            return None
        return {"X-Repo-Commit": commit, "ETag": f'"{hashlib.sha256(files[file]).hexdigest()}"'}, files[file]


def _lfs(data: bytes, digest: str) -> dict[str, Any]:
    """What is said of a large file; the digest goes by another name in each of two answers."""
    if len(data) < LARGE_FROM:
        return {}
    return {"lfs": {digest: hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}}


@contextmanager
def running_hub() -> Iterator[tuple[Hub, str]]:
    """Run a hub on this machine; gives it and its address, for HF_ENDPOINT."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            hub.asked.append(f"{self.command} {path}")
            headers, body = hub.answer(path) or ({}, b"")
            self.send_response(200 if headers or body else 404)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield hub, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
