from __future__ import annotations

import pytest

from services.gpu_worker.engine.decode import device_choice
from services.gpu_worker.engine.decode.device_choice import EngineSettings, choose, gpu_batch

T4_MIB, A10G_MIB = 15_360, 23_028


@pytest.mark.parametrize(("memory_mib", "clips"), [(T4_MIB, 20), (A10G_MIB, 32), (80_000, 32), (6_144, 4), (0, 4)])
def test_a_kind_of_gpu_has_one_batch_size_by_its_memory(memory_mib: int, clips: int) -> None:
    assert gpu_batch(memory_mib) == clips


def test_a_gpu_whose_driver_does_not_answer_gets_the_least_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert choose(EngineSettings(device="cuda")).batch == device_choice.LEAST_GPU_BATCH


def test_what_an_operator_says_is_taken() -> None:
    assert choose(EngineSettings(device="cuda", compute_type="float16", batch=7)).batch == 7


def test_numbers_are_int8_on_a_processor_and_half_precision_on_a_gpu() -> None:
    assert choose(EngineSettings(device="cpu")).compute_type == "int8"
    assert choose(EngineSettings(device="cuda")).compute_type == "int8_float16"


def test_words_are_made_beside_a_gpu_and_by_a_processors_own_workers() -> None:
    gpu, processor = (choose(EngineSettings(device=device, batch=4, threads=3)) for device in ("cuda", "cpu"))
    assert (gpu.workers, gpu.in_flight) == (1, 2)
    assert (processor.workers, processor.in_flight) == (3, 3)
