"""The tests, and what measures."""

import services.gpu_worker.engine  # noqa: F401 - before numpy, which it keeps to one thread
