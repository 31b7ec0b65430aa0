"""The emulator of AWS: moto's server, patched (`patches.py`) and behind `wire.py`, in a process of its own.

`python -m services.local.emulator.server --fd N` serves a listening socket that was inherited under this number. With
`--keep FOLDER`, the account is what the folder holds, and is kept there (`kept/`).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from services.local.emulator import disks, dynamodb, instances, markets, patches
from services.local.emulator.kept.ledger import KeptFolderError
from services.local.emulator.wire import Wire


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    """The version that AWS uses; werkzeug closes the connection after each answer all the same."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: there would be a line for every request."""


def main(fd: int, folder: Path | None = None) -> str | None:
    """Serve until told to end; returns why what happened last is not kept, as a sentence; None: it is.

    Raises:
        KeptFolderError: the account cannot be kept in this folder.

    """
    # Moto would load hundreds of Amazon's images, which nothing here uses; that takes longer than everything else.
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    patches.apply()
    disks.apply()
    instances.apply()
    markets.apply()
    dynamodb.apply()
    wire = Wire(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, wire, threaded=True, request_handler=_Quiet, fd=fd)
    if folder is None:
        server.serve_forever()
        return None
    from services.local.emulator.kept.account import KeptAccount  # noqa: PLC0415 - the others do without

    account = KeptAccount(folder)
    wire.kept = account.state
    # Ctrl-C in a terminal reaches all processes at once; whoever started this one tells it when the others have ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    account.begin()
    server.serve_forever()
    # A terminal tells every process to end, and whoever started this one tells it again. The handler ends with Python,
    # and the second signal would then be an end by that signal, as if not all were kept.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return account.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    try:
        sys.exit(main(given.fd, given.keep))
    except KeptFolderError as error:
        sys.exit(str(error))
