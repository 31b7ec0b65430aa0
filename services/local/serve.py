"""Runs the whole system on this machine until Ctrl-C, and says how to use it: `transcribe local [FOLDER]`.

What it prints is for people and for a shell: lines that a shell has to read, and comments.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
import threading
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import httpx

from services.cli import commands
from services.cli.api.login_store import Connection
from services.cli.errors import Exit, RefusedError
from services.cli.printing import note, problem
from services.cli.streams import end_line
from services.common.domain.errors import TranscriberError
from services.common.domain.model_keys import SPEAKERS
from services.local import resources
from services.local.announced import announced
from services.local.emulator.kept.ledger import KeptFolderError
from services.local.kept_folder import KeptFolder
from services.local.models import add_options, made_for_speakers, model_of
from services.local.processes import StackFailedError
from services.local.stack import Stack, StackSettings

CLIENT = "local"
LOOK_SECONDS = 1.0


def told(stack: Stack, api_key: str) -> str:
    """What is printed: how the system is used, in lines that a shell can read as they are."""
    kept = stack.settings.kept
    places = (
        f"# Jobs, files and keys are kept in {kept.path}." if kept else "# Nothing is kept: name a folder for that."
    )
    return f"""\
# The whole system runs on this machine until Ctrl-C.
#
# The API. `transcribe --local interview.m4a` uses it,
# and so does what reads these two:
export TRANSCRIBE_URL={stack.api_url}
export TRANSCRIBE_KEY={api_key}
# Its documentation: {stack.api_url}/api/docs
# The page, which asks for that key: {stack.api_url}/
#
# S3: aws s3 cp interview.m4a s3://{resources.BUCKET}/uploads/{CLIENT}/
# The table: transcribe clients list
export AWS_ENDPOINT_URL={stack.endpoint}
export AWS_ACCESS_KEY_ID=local
export AWS_SECRET_ACCESS_KEY=local
export AWS_DEFAULT_REGION={resources.REGION}
export TABLE_NAME={resources.TABLE}
export BUCKET_NAME={resources.BUCKET}
export CONFIG_PARAMETER={resources.CONFIG_PARAMETER}
export SECRETS_KEY_ID={stack.resources.secrets_key_id}
export WEBHOOK_ALLOW_PRIVATE=1
#
{places}
# Logs: {stack.logs}
# Ctrl-C ends it.
"""


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


def settings_of(chosen: argparse.Namespace, kept: KeptFolder | None) -> StackSettings:
    """What was chosen on the command line.

    Raises:
        TranscriberError: there is no such model, or it cannot be got.

    """
    settings = StackSettings(cors_origins=chosen.cors_origin, kept=kept)
    if chosen.model is not None or chosen.models_folder is not None:
        model = model_of(chosen, Path.cwd())
        settings = replace(settings, models=(model.key,), models_folder=model.folder)
    if not made_for_speakers(note):
        settings = replace(settings, unrecorded_models=(SPEAKERS,))
    return settings


def serve(stack: Stack, ending: threading.Event) -> None:
    """Say how the system is used, and look after it until it is to end.

    Raises:
        StackFailedError: a part of it has ended by itself.

    """
    here = Connection(url=stack.api_url, key=stack.own_client(CLIENT))
    with announced(here) as other:
        sys.stdout.write(told(stack, here.key))
        sys.stdout.flush()
        if other:
            note(
                f"Another local system runs at {other.url}: `--local` means that one. Use --api and --key for this one."
            )
        trouble: str | None = None
        while not ending.wait(LOOK_SECONDS):
            stack.check()
            with suppress(httpx.HTTPError):
                before, trouble = trouble, stack.kept_trouble()
                if trouble != before:
                    note(trouble or "Everything is kept again.")
        end_line()


def run(chosen: argparse.Namespace, ending: threading.Event) -> Exit:
    """Run the system that was chosen until it is told to end.

    Raises:
        KeptFolderError, RefusedError, TranscriberError, OSError: it cannot start.
        StackFailedError: a part of it has ended by itself.

    """
    with ExitStack() as open_ones:
        kept = open_ones.enter_context(KeptFolder(chosen.kept)) if chosen.kept else None
        # It may fetch a model for minutes. Until then Ctrl-C ends the program at once.
        settings = settings_of(chosen, kept)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: ending.set())
        with Stack(settings) as stack:
            serve(stack, ending)
        if not stack.has_kept_all:
            problem(f"{chosen.kept} does not have what happened last: make room there; what was kept before is safe.")
            return Exit.FAILED
    return Exit.DONE


def main() -> int:
    """Run until told to end; the exit status is 0 if everything that was to be kept is kept."""
    parser = argparse.ArgumentParser(prog="transcribe local", description=__doc__)
    parser.add_argument("kept", nargs="?", type=Path, metavar="FOLDER", help="where table and bucket are kept")
    what = "an origin whose pages may use it, such as http://localhost:5173; may be given several times"
    parser.add_argument("--cors-origin", type=origin, action="append", default=[], metavar="ORIGIN", help=what)
    add_options(parser)
    chosen = parser.parse_args()
    ending = threading.Event()
    try:
        return run(chosen, ending)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except (KeptFolderError, RefusedError, TranscriberError) as error:
        problem(str(error))
        return Exit.REFUSED
    except OSError as error:
        return commands.told(error)
    except StackFailedError as error:
        # Ctrl-C in a terminal reaches the parts too, and one may have ended before this one was told.
        if ending.is_set():
            return Exit.DONE
        note(f"transcribe: {error}")
        return Exit.FAILED


if __name__ == "__main__":
    sys.exit(main())
