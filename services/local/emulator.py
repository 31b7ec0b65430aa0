"""AWS on one machine: moto's server, patched (`moto_patches.py`) and behind `wire.py`, in a process of its own.

`python -m services.local.emulator --fd N`: on a listening socket that was inherited under this number.
"""

from __future__ import annotations

import argparse

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from services.local import moto_patches, moto_transactions
from services.local.wire import Wire


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    """Clients keep their connections: a new one for each call would cost more than the call."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """A line for every request helps nobody."""


def main(fd: int) -> None:
    """Serve until killed."""
    moto_patches.apply()
    moto_transactions.apply()
    application = Wire(DomainDispatcherApplication(create_backend_app))
    make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet, fd=fd).serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    main(parser.parse_args().fd)
