"""What the process is given from which readers are forked: everything that reading needs, and nothing of any recording.

Imported there alone. A signal to the whole group is the worker's business, here as in the readers.
"""

from __future__ import annotations

import signal

import services.gpu_worker.engine.plan.local_reader  # noqa: F401 - so that no reader has to import it

signal.signal(signal.SIGTERM, signal.SIG_IGN)
