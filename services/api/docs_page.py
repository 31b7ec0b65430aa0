"""The API's documentation as a page: Swagger UI, of which a browser loads every file from this API.

Swagger UI comes in the package `fastapi-swagger`. Only its files are used: importing it would cost time and patch the
application.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

SCRIPT, STYLE, ICON, START = "swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "start.js"
MEDIA_TYPES = {SCRIPT: "text/javascript", STYLE: "text/css", ICON: "image/png", START: "text/javascript"}
POLICY = (
    "default-src 'self'; "
    "img-src 'self' data:; "  # Swagger UI's stylesheet holds its pictures
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page may load nothing from elsewhere, run no script that is written into it, and be framed by nobody."""
_EVERYWHERE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_START = """\
// Without a validator's address, Swagger UI would send the document's address to one of its makers'.
SwaggerUIBundle({ url: "openapi.json", dom_id: "#operations", deepLinking: true, validatorUrl: null });
"""
# Every address is relative to /api/docs, so that the page works wherever the API is.
_PAGE = f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>GPU Transcriber: the API</title>
<link rel="icon" href="docs/{{version}}/{ICON}">
<link rel="stylesheet" href="docs/{{version}}/{STYLE}">
<script src="docs/{{version}}/{SCRIPT}" defer></script>
<script src="docs/{{version}}/{START}" defer></script>
</head>
<body>
<div id="operations"></div>
<noscript>This page needs JavaScript. <a href="openapi.json">openapi.json</a> says the same.</noscript>
</body>
</html>
"""


def page(_: Request) -> Response:
    """The page. It is asked for again each time, since it names the files of this release."""
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache", **_EVERYWHERE}
    return HTMLResponse(_PAGE.format(version=_version()), headers=headers)


def asset(request: Request) -> Response:
    """One of the page's files. Its address changes with its content, so a browser keeps it for good.

    Raises:
        HTTPException: 404, there is no such file in this release.

    """
    name = request.path_params["name"]
    if request.path_params["version"] != _version() or name not in MEDIA_TYPES:
        raise HTTPException(404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", **_EVERYWHERE}
    return Response(_assets()[name], media_type=MEDIA_TYPES[name], headers=headers)


@cache
def _assets() -> dict[str, bytes]:
    package = find_spec("fastapi_swagger")  # finds the package without importing it
    assert package
    assert package.origin
    folder = Path(package.origin).parent / "resources"
    return {START: _START.encode(), **{name: (folder / name).read_bytes() for name in (SCRIPT, STYLE, ICON)}}


@cache
def _version() -> str:
    return hashlib.sha256(b"".join(_assets().values())).hexdigest()[:16]
