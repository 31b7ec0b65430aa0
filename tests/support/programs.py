"""Programs that tests start: where they lie, and which of them this machine lacks."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tools.package import lambda_python


def find(program: str) -> str | None:
    """The program's path; first beside the interpreter, where an environment that is not activated has its programs."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return shutil.which(program, path=path)


def browser() -> str | None:
    """The path of a browser that takes Chromium's arguments."""
    return find("chromium") or find("google-chrome")


def firefox() -> str | None:
    """The path of Firefox, as Debian or Mozilla names it."""
    return find("firefox-esr") or find("firefox")


MARKERS: dict[str, Callable[[], object]] = {
    "chromium": browser,
    "curl": lambda: find("curl"),
    "firefox": lambda: firefox() and find("pulseaudio"),
    "ffmpeg": lambda: find("ffmpeg"),
    "jq": lambda: find("jq"),
    "lambda_python": lambda_python,
    "npm": lambda: find("npm"),
    "terraform": lambda: find("terraform"),
}
"""What a test is marked with that needs a program which a machine may lack, and how that is looked for."""
