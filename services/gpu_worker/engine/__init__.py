"""The engine: it turns a recording into words.

By default onnxruntime reports every process and session to its makers, and the hub's client every download. An operator
promises that nothing leaves the account, so both are switched off here, before either is imported.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
# Outside the model the engine multiplies small matrices only. A thread on each core would gain nothing, and wait
# busily: on 16 cores the features of eleven minutes took 4.7 processor seconds instead of 0.3, and on two busy cores
# the detection of speech took 60 an hour of sound instead of 2.5.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Read by the C library when a process starts. A store of free memory for each thread kept 70 MiB of eleven minutes.
os.environ.setdefault("MALLOC_ARENA_MAX", "2")
