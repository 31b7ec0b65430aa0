"""How S3 refuses a request."""

from __future__ import annotations

from xml.sax.saxutils import escape

from werkzeug.wrappers import Response


class RefusedError(Exception):
    """S3 refuses the request; the message is S3's own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def response(self) -> Response:
        """The answer that says so."""
        return Response(
            f"<Error><Code>{self.code}</Code><Message>{escape(str(self))}</Message></Error>",
            status=self.status,
            content_type="application/xml",
        )
