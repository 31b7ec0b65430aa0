"""What AWS does and the emulator does not, added to its requests and answers.

- CreateFleet's ClientToken: one token gives one launch; the same token with another request is refused.
- The ends of machines, and their reasons (`instances.py`), are reported at `/_local/machines`.
- What EC2's markets are like (`markets.py`) is said at `/_local/markets`.
- Links and forms are checked (`signatures.py`), and a form against its policy (`post_policy.py`). Sessions end when
  `/_local/sessions` is told so. Nobody reads or writes a bucket without any of these.
- What is put is held against its checksums (`checksums.py`).
- Pages of other origins read what the bucket's CORS configuration lets them read (`cors.py`), and nothing else.
- What AWS measures by itself is told at `/_local/measures`, and DynamoDB throttles what `/_local/throttles` is told
  (`measures.py`).
- How an account is kept (`kept/`) is told at `/_local/kept`.
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

from werkzeug.wrappers import Request, Response

from services.local.cloudwatch.of_aws import MEASURES_PATH, THROTTLES_PATH
from services.local.ec2 import KEPT_PATH, MACHINES_PATH, MARKETS_PATH
from services.local.emulator import checksums, cors, instances, markets, measures, post_policy, signatures
from services.local.emulator.refusals import RefusedError
from services.local.emulator.transactions import TURN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_TOLD = {
    MACHINES_PATH: instances.tell,
    MARKETS_PATH: markets.tell,
    THROTTLES_PATH: measures.tell,
    signatures.SESSIONS_PATH: signatures.tell,
}
_FORM_FIELDS = "application/x-www-form-urlencoded"
_FLEET_ACTION = "CreateFleet"
_INSTANCE_ID = re.compile(r"\bi-[0-9a-f]{8,17}\b")


@dataclass
class Wire:
    """A WSGI application in front of the emulator's."""

    emulator: WSGIApplication
    kept: Callable[[], Mapping[str, object]] | None = None
    """Tells how the account is kept; None: it is not."""
    _launches: dict[str, tuple[str, Response]] = field(default_factory=dict)
    _fleet_lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if tell := _TOLD.get(environ.get("PATH_INFO", "")):
            tell(json.loads(Request(environ).get_data()))
            return Response(status=204)(environ, start)
        if environ.get("PATH_INFO") == MEASURES_PATH:
            measured = measures.take(Request(environ).args.get("now", type=int))
            return Response(json.dumps(measured), content_type="application/json")(environ, start)
        if environ.get("PATH_INFO") == KEPT_PATH and self.kept:
            return Response(json.dumps(self.kept()), content_type="application/json")(environ, start)
        request = Request(environ, populate_request=False)
        if environ.get("HTTP_X_AMZ_TARGET"):
            refusal = signatures.refusal_of_call(request, datetime.now(UTC))
            begin = cors.readable(None, request.method, None, start)
            return refusal(environ, start) if refusal else self._call(environ, begin)
        bucket = cors.bucket_at(request.path)
        try:
            if request.method == "OPTIONS":
                return cors.preflight(bucket, request.headers)(environ, start)
            answering = self._s3(request) if bucket is not None else self._other(environ)
        except RefusedError as refused:
            answering = refused.response()
        return answering(environ, cors.readable(bucket, request.method, request.headers.get("Origin"), start))

    def _call(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if not environ["HTTP_X_AMZ_TARGET"].startswith("DynamoDB_"):
            return self.emulator(environ, start)
        with TURN:
            return list((self._throttled(environ) or self.emulator)(environ, start))

    @staticmethod
    def _throttled(environ: WSGIEnvironment) -> WSGIApplication | None:
        if not measures.is_slow():
            return None
        return measures.throttled(environ["HTTP_X_AMZ_TARGET"].partition(".")[2], json.loads(_read(environ)))

    def _other(self, environ: WSGIEnvironment) -> WSGIApplication:
        if environ.get("CONTENT_TYPE", "").startswith(_FORM_FIELDS):
            return self._query(environ)
        return self.emulator

    def _s3(self, request: Request) -> WSGIApplication:
        """What answers a request to a bucket.

        Raises:
            RefusedError: S3 refuses it.

        """
        if request.method == "POST" and request.mimetype == "multipart/form-data":
            self._check_form(request.environ)
        else:
            signatures.check_request(request, datetime.now(UTC))
        if request.method == "PUT" and request.mimetype == _FORM_FIELDS:
            # So curl calls what it sends with --data-binary. moto would read it as fields, and then wait for the body.
            request.environ["CONTENT_TYPE"] = "binary/octet-stream"
        if request.method == "PUT":
            if "CONTENT_LENGTH" not in request.environ and "X-Amz-Decoded-Content-Length" not in request.headers:
                raise RefusedError(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
            checksums.check(dict(request.headers), _read(request.environ))
        return self.emulator

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

    def _check_form(self, environ: WSGIEnvironment) -> None:
        _read(environ)
        request = Request(dict(environ), populate_request=False)
        fields = list(request.form.items(multi=True))
        file = request.files.get("file")
        name, content = (file.filename or "", file.read()) if file else ("", request.form.get("file", "").encode())
        environ["wsgi.input"].seek(0)
        now = datetime.now(UTC)
        if "policy" in {name.lower() for name, _ in fields}:
            signatures.check_form(fields, now)
        post_policy.check(request.path.strip("/"), fields, name, len(content), now)
        checksums.compare({name.lower(): value for name, value in fields}, content)


def _read(environ: WSGIEnvironment) -> bytes:
    """Read the whole body, and put it back for the next reader, with its length if none was announced.

    Raises:
        RefusedError: it is not whole, since the connection was cut.

    """
    announced = environ.get("CONTENT_LENGTH")
    whole = -1 if environ.get("wsgi.input_terminated") and not announced else int(announced or 0)
    body: bytes = environ["wsgi.input"].read(whole)
    if len(body) < whole:
        message = "You did not provide the number of bytes specified by the Content-Length HTTP header"
        raise RefusedError(400, "IncompleteBody", message)
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    return body


def _ec2_error(code: str, message: str) -> Response:
    return Response(
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        "<RequestID>local</RequestID></Response>",
        status=400,
        content_type="text/xml",
    )
