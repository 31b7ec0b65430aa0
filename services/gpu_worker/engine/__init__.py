"""What hears a recording.

Nothing here reports to anybody: onnxruntime would tell its makers of every process and session, and the hub's client of
every download. Whoever runs this promises that nothing leaves the account, so both are told before they are imported.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
# Outside the model the engine's products are small. A thread on each core would gain nothing, and wait busily: on 16
# cores the features of eleven minutes took 4.7 processor seconds instead of 0.3.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
