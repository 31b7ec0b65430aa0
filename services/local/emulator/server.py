"""The emulator of AWS: moto's server, patched (`patches.py`) and behind `wire.py`, in a process of its own.

`python -m services.local.emulator.server --fd N` serves a listening socket that was inherited under this number.
"""

from __future__ import annotations

import argparse
import os

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from services.local.emulator import disks, dynamodb, instances, markets, patches
from services.local.emulator.wire import Wire


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    """The version that AWS uses; werkzeug closes the connection after each answer all the same."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: there would be a line for every request."""


def main(fd: int) -> None:
    """Serve until killed."""
    # Moto would load hundreds of Amazon's images, which nothing here uses; that takes longer than everything else.
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    patches.apply()
    disks.apply()
    instances.apply()
    markets.apply()
    dynamodb.apply()
    application = Wire(DomainDispatcherApplication(create_backend_app))
    make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet, fd=fd).serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    main(parser.parse_args().fd)
