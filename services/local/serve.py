"""Runs the whole system on this machine until Ctrl-C, and prints what a shell needs to use it: `./nox -s local`.

`-- --cors-origin http://localhost:5173` lets pages of that origin use it; the option may be given several times.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
import threading

from services.local import resources
from services.local.stack import Stack, StackSettings

LOOK_SECONDS = 1.0


def environment(stack: Stack, client_id: str) -> dict[str, str]:
    """The variables that `transcribe` and the AWS command line need, for one client and for the operator."""
    return {
        "TRANSCRIBE_URL": stack.api_url,
        "TRANSCRIBE_KEY": stack.new_client(client_id),
        "AWS_ENDPOINT_URL": stack.endpoint,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": resources.REGION,
        "TABLE_NAME": resources.TABLE,
        "BUCKET_NAME": resources.BUCKET,
        "SECRETS_KEY_ID": stack.resources.secrets_key_id,
        "WEBHOOK_ALLOW_PRIVATE": "1",
    }


def origin(text: str) -> str:
    """An origin that browsers send, for `--cors-origin`.

    Raises:
        ArgumentTypeError: it is none.

    """
    if not re.fullmatch(resources.ORIGIN, text):
        raise argparse.ArgumentTypeError(
            "an origin is a scheme, a host and perhaps a port, in lower case and without a path or a slash at the end, "
            f"such as http://localhost:5173; this is {text!r}"
        )
    return text


def main() -> int:
    """Run until told to end; the exit status is 0.

    Raises:
        StackFailedError: a part of the system has ended by itself.

    """
    parser = argparse.ArgumentParser(description="The whole system on this machine, until Ctrl-C.")
    what = "an origin whose pages may use it, such as http://localhost:5173; may be given several times"
    parser.add_argument("--cors-origin", type=origin, action="append", default=[], metavar="ORIGIN", help=what)
    settings = StackSettings(cors_origins=parser.parse_args().cors_origin)
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    with Stack(settings) as stack:
        lines = [f"export {name}={value}" for name, value in environment(stack, "local").items()]
        sys.stdout.write("\n".join([*lines, f"# logs: {stack.logs}", "# Ctrl-C ends it."]) + "\n")
        sys.stdout.flush()
        while not ending.wait(LOOK_SECONDS):
            stack.check()
    return 0


if __name__ == "__main__":
    sys.exit(main())
