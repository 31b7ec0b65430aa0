"""The page on which people work with their recordings: the files in `page/`, all of which a browser gets from here.

It is imported by whoever opens the page, so that a cold start does not pay for it.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.api.compression import takes_gzip
from services.api.service import Service

FOLDER = Path(__file__).parent / "page"
START = "index.html"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
"""What is served, by the end of its name; everything else in the folder is for those who read the code."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; "  # the stylesheet of Pico holds its pictures
    "connect-src 'self' {bucket}; media-src {bucket}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    # No text becomes markup but by lit-html, which makes it of the templates in our files alone.
    "require-trusted-types-for 'script'; trusted-types lit-html"
)
_EVERYWHERE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Vary": "Accept-Encoding"}


class _File(NamedTuple):
    content: bytes
    compressed: bytes


def policy(wired: Service) -> str:
    """The page's Content-Security-Policy: it may talk to this API and to the deployment's bucket alone."""
    # The bucket's origin as it is in links and forms, since one client makes them all.
    link = wired.s3.generate_presigned_url("get_object", Params={"Bucket": wired.settings.bucket_name, "Key": "any"})
    return _POLICY.format(bucket="://".join(urlsplit(link)[:2]))


def start(request: Request) -> Response:
    """The page. It is asked for again each time, since it names the files of this release.

    Raises:
        HTTPException: 404, the operator has switched the page off.

    """
    headers = {"Content-Security-Policy": policy(_served(request)), "Cache-Control": "no-cache"}
    return _reply(request, START, headers)


def file(request: Request) -> Response:
    """One of the page's files. Its address changes with their content, so a browser keeps it for good.

    Raises:
        HTTPException: 404, there is no such file in this release, or the page is switched off.

    """
    _served(request)
    path = request.path_params["path"]
    if request.path_params["version"] != version() or path not in _files() or path == START:
        raise HTTPException(404)
    return _reply(request, path, {"Cache-Control": "public, max-age=31536000, immutable"})


@cache
def version() -> str:
    """Of all files together: some digits of their digest."""
    digest = hashlib.sha256()
    for path, content in sorted(_contents().items()):
        digest.update(b"%s %d " % (path.encode(), len(content)) + content)
    return digest.hexdigest()[:16]


def _served(request: Request) -> Service:
    wired: Service = request.app.state.service()
    if not wired.settings.page:
        raise HTTPException(404)
    return wired


def _reply(request: Request, path: str, headers: dict[str, str]) -> Response:
    found = _files()[path]
    headers = headers | _EVERYWHERE
    content = found.content
    # The gateway compresses nothing.
    if takes_gzip(request.headers.get("accept-encoding", "")):
        content, headers["Content-Encoding"] = found.compressed, "gzip"
    return Response(content, headers=headers, media_type=MEDIA_TYPES[Path(path).suffix])


@cache
def _files() -> dict[str, _File]:
    contents = _contents()
    modules = " ".join(sorted(path for path in contents if path.endswith(".js")))
    page = contents[START].decode().replace("{version}", version()).replace("{modules}", modules)
    contents = {**contents, START: page.encode()}
    return {path: _File(content, gzip.compress(content, mtime=0)) for path, content in contents.items()}


@cache
def _contents() -> dict[str, bytes]:
    """What lies in the folder, by its path below it."""
    found = (path for path in FOLDER.rglob("*") if path.suffix in MEDIA_TYPES and path.is_file())
    return {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in found}
