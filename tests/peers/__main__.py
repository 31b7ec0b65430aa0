"""The engine beside WhisperX, whisper-ctranslate2 and faster-whisper: the same files, machine and model, in turn.

`python -m tests.peers` prints a table and writes reports/peers.json; `./nox -s peers` makes the environment that it
needs. With `--write`, the table in docs/performance.md becomes the one that is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from services.gpu_worker.engine.decode.catalogue import PACKAGED
from services.gpu_worker.engine.decode.model_files import locate
from tests.peers import table
from tests.peers.contest import rounds
from tests.peers.contestants import CONTESTANTS
from tests.peers.recordings import recordings

REPORT = Path("reports/peers.json")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="rounds; 3 by default")
    parser.add_argument(
        "--only", action="append", choices=[one.name for one in CONTESTANTS], metavar="NAME", help="may be repeated"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    given = parser.parse_args()
    chosen = [one for one in CONTESTANTS if not given.only or one.name in given.only]
    report: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, {_processor()}",
        "model": f"{PACKAGED}, as a CTranslate2 folder",
        "versions": {name: version(name) for one in chosen for name in one.packages},
        "rounds": given.runs,
        "settings": {one.name: one.settings for one in chosen},
        "recordings": {},
    }
    # It takes half an hour: Ctrl-C ends it with the recordings and rounds that are complete.
    with tempfile.TemporaryDirectory(prefix="peers-") as folder, suppress(KeyboardInterrupt):
        for figures in rounds(recordings(Path(folder)), chosen, locate(PACKAGED).folder, given.runs):
            report["recordings"] = figures
            REPORT.parent.mkdir(exist_ok=True)
            REPORT.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    shown = table.render(report)
    sys.stdout.write(shown)
    if given.write:
        table.DOCUMENT.write_text(table.with_table(table.DOCUMENT.read_text("utf-8"), shown), "utf-8")


def _processor() -> str:
    names = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
