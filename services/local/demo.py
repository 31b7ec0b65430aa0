"""The demo: recordings go through the whole system on this machine, shown live: `./nox -s demo [-- FILE…]`.

With `--open` the system goes on afterwards, and its page is opened in a browser.
"""

from __future__ import annotations

import argparse
import sys
import time
import webbrowser
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from services.cli.recordings.options.outputs import Output
from services.cli.recordings.output.files import Files
from services.common.domain.errors import TranscriberError
from services.common.domain.options import READ_FORMAT
from services.common.domain.prices import dollars_per_hour
from services.common.domain.stages import SPEED
from services.common.domain.states import TERMINAL, JobStatus
from services.common.domain.times import now_ms
from services.gpu_worker.settings import WorkerSettings
from services.local.client import Client
from services.local.display import Display
from services.local.models import add_options, introduced, model_of
from services.local.processes import StackFailedError
from services.local.receiver import Received, Receiver
from services.local.resources import BUCKET
from services.local.stack import Stack, StackSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.common.domain.records import Job
    from services.gpu_worker.engine.decode.model_files import ModelFiles

CLIP = Path(__file__).parents[2] / "examples" / "audio" / "meeting.mp3"
PATIENCE_SECONDS = 3_600
BOOT_SECONDS = 55
"""How long a spot machine boots until its model is loaded (docs/performance.md)."""
LOOK_SECONDS = 1.0
IDLE_SECONDS: float = WorkerSettings.model_fields["idle_seconds"].default
"""A machine stays this long after its last job."""


@dataclass
class Shipment:
    """One file on its way through the system; `notified`: when its webhook arrived, in epoch milliseconds."""

    path: Path
    job_id: str
    job: Job | None = None
    received: Received | None = None
    notified: int | None = None


def watch(stack: Stack, receiver: Receiver, shipments: Sequence[Shipment], display: Display) -> None:
    """Follow every shipment until its webhook has arrived.

    Raises:
        StackFailedError: a part of the system has ended.

    """
    until = time.monotonic() + PATIENCE_SECONDS
    while any(shipment.received is None for shipment in shipments) and time.monotonic() < until:
        stack.check()
        while not receiver.messages.empty():
            message = receiver.messages.get()
            for shipment in shipments:
                if shipment.job_id == message.data["job_id"]:
                    shipment.received, shipment.notified = message, now_ms()
        for shipment in shipments:
            if shipment.job is None or shipment.job.status not in TERMINAL or shipment.received:
                shipment.job = stack.store.jobs.get(shipment.job_id)
            if shipment.job:
                display.show(shipment.job, shipment.notified)
        time.sleep(0.2)


def cost(job: Job) -> str:
    """The cost of a job on AWS if a machine were started for it alone, as a sentence."""
    seconds = job.result["duration_seconds"] if job.result else 0.0
    price = dollars_per_hour("g4dn.xlarge", "spot") or 0.0
    machine = BOOT_SECONDS + seconds / SPEED + IDLE_SECONDS
    return f"about ${machine * price / 3_600:.3f} ({machine:.0f} s of a g4dn.xlarge spot machine at ${price}/h)"


def report(console: Console, client: Client, shipment: Shipment, files: Files) -> bool:
    """Print how a shipment ended, with its whole text, and write that; True if it has a transcript."""
    job, received = shipment.job, shipment.received
    console.rule(escape(shipment.path.name))
    if job is None or received is None:
        console.print("No webhook came in time; the job is still in the queue.")
        return False
    if job.status is not JobStatus.COMPLETED:
        error: Any = job.error or {}
        console.print(f"[red]{job.status.value}[/]: {error.get('code')}: {escape(str(error.get('message')))}")
        console.print(f"webhook  {received.type} {received.message_id}: signature verified", soft_wrap=True)
        return False
    text = client.transcript(job.job_id)
    console.print(escape(text), highlight=False)
    (path,) = files.write(files.place(None, ""), {READ_FORMAT: text.encode()})
    result: Any = job.result
    # A path or an id that was broken at the screen's edge could not be copied.
    console.print(f"file     {escape(str(path))}", soft_wrap=True)
    for remark in result["quality"]["remarks"]:
        console.print(f"note     {escape(remark['message'])}")
    console.print(
        f"results  {', '.join(sorted(result['files']))} under s3://{BUCKET}/{result['prefix']}", soft_wrap=True
    )
    console.print(f"webhook  {received.type} {received.message_id}: signature verified", soft_wrap=True)
    console.print(f"on AWS   {cost(job)}")
    return True


def transcribe(console: Console, paths: Sequence[Path], model: ModelFiles, folder: Path, *, stay: bool = False) -> bool:
    """Start a system and send files through it; True if each of them has a transcript.

    Args:
        console: where everything is shown.
        paths: of the files.
        model: which transcribes them.
        folder: where transcripts are written.
        stay: whether the page is opened, and the system goes on until Ctrl-C.

    """
    console.print("Starting S3, SQS, DynamoDB, EC2, the API and the orchestrator …")
    options = {"model": model.name, "style": model.style}
    with Receiver() as receiver, Stack(StackSettings(models=(model.key,), models_folder=model.folder)) as stack:
        client = Client(stack, "demo")
        receiver.trust(client.register(receiver.url)["secret"])
        shipments = [Shipment(path, client.send(path.read_bytes(), path.name, options=options)) for path in paths]
        with Display(console) as display:
            watch(stack, receiver, shipments, display)
        files = Files(Output(formats=(READ_FORMAT,), folder=folder), began=datetime.now().astimezone())
        done = [report(console, client, shipment, files) for shipment in shipments]
        console.rule()
        if stay:
            show_page(console, stack, client)
        else:
            console.print(f"page     {stack.api_url}/ while the system runs: `--open` opens it and keeps it up")
        return all(done)


def show_page(console: Console, stack: Stack, client: Client) -> None:
    """Open the page, and keep the system up until Ctrl-C.

    Raises:
        StackFailedError: a part of the system has ended.

    """
    console.print(f"page     {stack.api_url}/", soft_wrap=True)
    console.print(f"key      {client.key}", soft_wrap=True)
    console.print("Ctrl-C ends it.")
    webbrowser.open(f"{stack.api_url}/")
    with suppress(KeyboardInterrupt):
        while True:
            stack.check()
            time.sleep(LOOK_SECONDS)


def main() -> int:
    """Run the demo; the exit status is 0 if all files have transcripts, 1 if not, 2 if a file or model is missing."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="recordings; without any, a Swedish clip")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="where transcripts are written")
    parser.add_argument("--open", action="store_true", help="then open the page, and go on until Ctrl-C")
    add_options(parser)
    chosen = parser.parse_args()
    # Sentences are broken between words where a screen ends; a file or a program gets them whole.
    console = Console(soft_wrap=not sys.stdout.isatty())
    paths = [chosen.folder / path for path in chosen.files] or [CLIP]
    for path in paths:
        if not path.is_file():
            console.print(f"[red]There is no file {escape(str(path))}.[/]")
            return 2
    console.print("The system runs on this machine, with an emulator where AWS would be.")
    try:
        model = model_of(chosen, chosen.folder)
        console.print(escape(introduced(model)))
        return 0 if transcribe(console, paths, model, chosen.folder, stay=chosen.open) else 1
    except TranscriberError as error:
        console.print(f"[red]{escape(str(error))}[/]")
        return 2
    except StackFailedError as error:
        console.print(f"[red]{escape(str(error))}[/]")
        return 1


if __name__ == "__main__":
    sys.exit(main())
