"""The worker's program: `python -m services.gpu_worker`, or `transcribe-worker`.

Processes that the worker starts run this file again before they do anything; so it imports nothing by itself.
"""

from __future__ import annotations

from typing import NoReturn


def console() -> NoReturn:
    """Run as a program of its own."""
    from services.gpu_worker.machine.head_start import HeadStart  # noqa: PLC0415 - see above

    try:
        begun = HeadStart.begin()
    except Exception:  # noqa: BLE001 - there is no log yet; whoever makes an engine later says what is wrong
        begun = None
    # While the model is being loaded: this takes longer to import than it takes to begin.
    from services.gpu_worker.main import console as run  # noqa: PLC0415

    run(begun)


if __name__ == "__main__":
    console()
