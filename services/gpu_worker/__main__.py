"""The worker's program: `python -m services.gpu_worker`, or `transcribe-worker`.

Every process that the worker starts runs this file again first, so it imports nothing at its top.
"""

from __future__ import annotations

from typing import NoReturn


def console() -> NoReturn:
    """Run the worker's program: begin the head start, then import and run the rest."""
    from services.gpu_worker.machine.head_start import HeadStart  # noqa: PLC0415 - see above

    try:
        begun = HeadStart.begin()
    except Exception:  # noqa: BLE001 - there is no log yet; the engine that is made later reports the error
        begun = None
    # This import takes long, and the model is loaded meanwhile.
    from services.gpu_worker.main import console as run  # noqa: PLC0415

    run(begun)


if __name__ == "__main__":
    console()
