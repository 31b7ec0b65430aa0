"""What AWS does and the emulator does not, added to its requests and answers.

- CreateFleet's ClientToken: one token gives one launch; the same token with another request is refused.
- The ends of machines, and their reasons (`instances.py`), are reported at `/_local/machines`.
- What EC2's markets are like (`markets.py`) is said at `/_local/markets`.
- A presigned POST is checked against its policy (`post_policy.py`).
- Requests to DynamoDB run one after another, since the emulator checks conditions and writes without a lock.
"""

from __future__ import annotations

import io
import json
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from werkzeug.wrappers import Request, Response

from services.local.ec2 import MACHINES_PATH, MARKETS_PATH
from services.local.emulator import instances, markets, post_policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_TOLD = {MACHINES_PATH: instances.tell, MARKETS_PATH: markets.tell}
_FLEET_ACTION = "CreateFleet"
_INSTANCE_ID = re.compile(r"\bi-[0-9a-f]{8,17}\b")


@dataclass
class Wire:
    """A WSGI application in front of the emulator's."""

    emulator: WSGIApplication
    _launches: dict[str, tuple[str, Response]] = field(default_factory=dict)
    _fleet_lock: threading.Lock = field(default_factory=threading.Lock)
    _table_lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if tell := _TOLD.get(environ.get("PATH_INFO", "")):
            tell(json.loads(Request(environ).get_data()))
            return Response(status=204)(environ, start)
        if environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB_"):
            with self._table_lock:
                return list(self.emulator(environ, start))
        if environ["REQUEST_METHOD"] == "POST":
            content_type = environ.get("CONTENT_TYPE", "")
            if content_type.startswith("application/x-www-form-urlencoded"):
                return self._query(environ)(environ, start)
            if content_type.startswith("multipart/form-data"):
                return self._post(environ)(environ, start)
        return self.emulator(environ, start)

    def _query(self, environ: WSGIEnvironment) -> WSGIApplication:
        body = _read(environ)
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        if form.get("Action") != _FLEET_ACTION:
            return self.emulator
        with self._fleet_lock:
            return self._fleet(environ, form)

    def _fleet(self, environ: WSGIEnvironment, form: dict[str, str]) -> Response:
        token = form.get("ClientToken", "")
        frozen = json.dumps(form, sort_keys=True)
        if token in self._launches:
            asked, reply = self._launches[token]
            if asked == frozen:
                return reply
            return _ec2_error("IdempotentParameterMismatch", "The client token was used with other parameters before.")
        reply = Response.from_app(self.emulator, environ, buffered=True)
        instances.launched(_INSTANCE_ID.findall(reply.get_data(as_text=True)))
        if token:
            self._launches[token] = (frozen, reply)
        return reply

    def _post(self, environ: WSGIEnvironment) -> WSGIApplication:
        """The answer to an upload by form: the emulator's, or S3's error if the form does not meet its policy."""
        _read(environ)
        request = Request(dict(environ), populate_request=False)
        fields = list(request.form.items(multi=True))
        file = request.files.get("file")
        name, size = (file.filename or "", len(file.read())) if file else ("", len(request.form.get("file", "")))
        environ["wsgi.input"].seek(0)
        try:
            post_policy.check(request.path.strip("/"), fields, name, size, datetime.now(UTC))
        except post_policy.UploadRefusedError as refusal:
            return _s3_error(refusal)
        return self.emulator


def _read(environ: WSGIEnvironment) -> bytes:
    """Read the whole body, and put it back for the next reader."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _ec2_error(code: str, message: str) -> Response:
    return Response(
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        "<RequestID>local</RequestID></Response>",
        status=400,
        content_type="text/xml",
    )


def _s3_error(refusal: post_policy.UploadRefusedError) -> Response:
    return Response(
        f"<Error><Code>{refusal.code}</Code><Message>{escape(str(refusal))}</Message></Error>",
        status=refusal.status,
        content_type="application/xml",
    )
