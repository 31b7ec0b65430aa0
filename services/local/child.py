"""Runs a module as `python -m` does, and ends with its parent: `python -m services.local.child PARENT MODULE …`.

A parent that is killed can end nobody, and what it started would stay: at its ports, and in the folder that it keeps.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

LOOK_SECONDS = 1.0


def end_with(parent: int) -> None:
    """Tell this process to end once its parent is another one than this."""
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    _, parent, module, *arguments = sys.argv
    threading.Thread(target=end_with, args=(int(parent),), daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
