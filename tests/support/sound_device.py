"""A sound device that nobody hears, for browsers that play nothing without one."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support import programs

START_SECONDS = 20


@contextmanager
def sound_device(folder: Path) -> Iterator[Mapping[str, str]]:
    """Run PulseAudio with a device that takes sound at the pace of a real one.

    Args:
        folder: for its socket and its log; the path must be short, as those of sockets are.

    Yields:
        The environment of programs that are to use it.

    """
    program, socket = programs.find("pulseaudio"), folder / "pulse"
    assert program
    modules = ("module-null-sink", f"module-native-protocol-unix socket={socket} auth-anonymous=1")
    loaded = [argument for module in modules for argument in ("-L", module)]
    own = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PATH": os.environ["PATH"]}
    with (folder / "pulse.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", *loaded],
            env=own,
            stdout=log,
            stderr=log,
        )
    try:
        until = time.monotonic() + START_SECONDS
        while not socket.exists():
            assert process.poll() is None, (folder / "pulse.log").read_text()
            assert time.monotonic() < until, "it does not come up"
            time.sleep(0.05)
        yield {**os.environ, "PULSE_SERVER": f"unix:{socket}"}
    finally:
        process.terminate()
        process.wait()
