"""Imported by the fork server from which readers are forked: all that reading needs, and nothing of any recording.

No other process imports it. A signal to the whole process group is for the worker alone, so it is ignored here.
"""

from __future__ import annotations

import signal

import services.gpu_worker.engine.plan.local_reader  # noqa: F401 - so that no reader has to import it
from services.gpu_worker.engine.plan.silero import network

signal.signal(signal.SIGTERM, signal.SIG_IGN)
# So that no reader has to make it. If the model's file is not the expected one, this is an ImportError, which the fork
# server ignores; each reader then meets it again and sends it to the worker.
network()
