"""The checks before a machine takes work that need no model."""

from __future__ import annotations

import shutil
import tempfile
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from services.common.domain.errors import TranscriberError
from services.common.domain.times import MINUTE_MS, SECOND_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.gpu_worker.settings import WorkerSettings

MOST_SKEW = 5 * MINUTE_MS
"""AWS refuses signatures whose time is further off."""
LEAST_SKEW = 2 * SECOND_MS
"""A smaller difference cannot be measured: the header counts whole seconds, and the answer takes some time."""
_PAUSE_SECONDS = 0.2
GIB = 1 << 30
_GPU = "nvidia0"


class UnfitError(TranscriberError):
    """This machine lacks something that every job would need; the message names all of it."""

    code = "MACHINE_UNFIT"


def kind_of_device(settings: WorkerSettings, devices: Path = Path("/dev")) -> str:
    """`cuda` or `cpu`: the device that the engine will choose."""
    if settings.device != "auto":
        return settings.device
    return "cuda" if (devices / _GPU).exists() else "cpu"


def folder_for_recordings(settings: WorkerSettings) -> Path:
    """Where this machine's workers keep what they work on, each in a folder of its own."""
    return settings.work_folder or Path(tempfile.gettempdir())


def clock_skew(address: str, clock: Callable[[], int], patience_seconds: float = 0) -> int:
    """How far AWS's clock is ahead of this machine's, in milliseconds, by the `Date` that answers an unsigned request.

    Args:
        address: of any service of AWS.
        clock: epoch milliseconds.
        patience_seconds: how long to try while there is no connection.

    Returns:
        0 if the difference is too small to be measured, or if there was no answer: then the next call of AWS fails,
        and says why.

    """
    until = time.monotonic() + patience_seconds
    while True:
        try:
            answer = httpx.get(address, timeout=5, trust_env=False)
            told = parsedate_to_datetime(answer.headers["date"])
            break
        except httpx.TransportError:
            if time.monotonic() > until:
                return 0
            time.sleep(_PAUSE_SECONDS)
        except (httpx.HTTPError, KeyError, ValueError):
            return 0
    skew = round(told.timestamp() * SECOND_MS) - clock()
    return skew if abs(skew) > LEAST_SKEW else 0


def require_clock(skew: int) -> None:
    """Check the clock before any request is signed with it; `skew` in milliseconds.

    Raises:
        UnfitError: AWS would refuse every call, so the error can be reported on the console only.

    """
    if abs(skew) > MOST_SKEW:
        raise UnfitError(
            f"This machine takes no work: its clock is {-skew / MINUTE_MS:+.0f} minutes off AWS's, which refuses what "
            "is signed with it."
        )


def require_fit(settings: WorkerSettings, *, devices: Path = Path("/dev")) -> None:
    """Check the device and the disk.

    Raises:
        UnfitError: naming everything that is wrong.

    """
    wrong = []
    if settings.device == "cuda" and not (devices / _GPU).exists():
        wrong.append("a GPU was promised (DEVICE=cuda), but there is no NVIDIA device or its driver is not loaded")
    folder = folder_for_recordings(settings)
    if not folder.is_dir():
        wrong.append(f"the folder for recordings, {folder}, is missing")
    elif (free := shutil.disk_usage(folder).free) < settings.least_free_gib * GIB:
        wrong.append(f"{free / GIB:.1f} GiB are free in {folder}, less than {settings.least_free_gib:g} GiB")
    if wrong:
        raise UnfitError(f"This machine takes no work: {'; '.join(wrong)}.")
