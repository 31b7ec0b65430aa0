"""A process that asks one contestant: it loads its model, waits for a line, transcribes, and waits for another line.

The two lines come from `measured.py`, which reads this process's memory and time meanwhile.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path


def main() -> None:
    # The contestants write to standard output what they like; what is told to the parent goes there alone.
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    asked = json.loads(sys.argv[1])
    contestant = import_module(asked["module"])
    with contestant.loaded(Path(asked["model"]), asked["load"], asked["transcribe"]) as hear:
        told.write("loaded\n")
        told.flush()
        sys.stdin.readline()
        began = time.perf_counter()
        units = hear(Path(asked["path"]))
        seconds = time.perf_counter() - began
        told.write(json.dumps({"seconds": seconds, "units": [[unit.start, unit.text] for unit in units]}) + "\n")
        told.flush()
        sys.stdin.readline()
