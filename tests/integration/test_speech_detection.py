"""Speech is found as Silero's whole model finds it, on a telephone too, however the sound comes, in every process."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from faster_whisper.vad import get_vad_model

from services.gpu_worker.engine.audio.sound import RATE, Span
from services.gpu_worker.engine.plan import silero
from services.gpu_worker.engine.plan.spans import WINDOW, Thresholds, speech_spans
from services.gpu_worker.engine.plan.speech import WINDOWS_A_RUN, SpeechDetector
from services.gpu_worker.engine.processes import readers
from tests.support.acoustics import (
    NOBODY_SPEAKS,
    Sound,
    hum,
    music,
    quieter,
    silence,
    telephone_band,
    white_noise,
    with_noise,
)

Samples = npt.NDArray[np.int16]
RUN = WINDOWS_A_RUN * WINDOW
CLOSE = 1e-4
PATIENCE = 60
SHIPPED = silero.FILE

SOUNDS: dict[str, Callable[[Sound], Sound]] = {
    "speech": lambda meeting: meeting,
    "loud speech, clipped": lambda meeting: np.clip(30 * meeting, -1, 1),
    "faint speech": lambda meeting: quieter(meeting, 40),
    "speech in noise": lambda meeting: with_noise(meeting, 5),
    "speech beside zero": lambda meeting: 0.5 * meeting + 0.5,
    "a full square wave": lambda meeting: np.where(np.arange(len(meeting)) % 40 < 20, 1.0, -1.0),
    "silence": lambda _: silence(5),
    "hum": lambda _: hum(5),
    "white noise": lambda _: white_noise(5),
    "music": lambda _: music(60),
}


def pcm(sound: Sound) -> Samples:
    return (np.clip(sound, -1, 1) * 32767).astype(np.int16)


def whole_model(samples: Samples) -> list[float]:
    """What the library finds with onnxruntime alone. It spoils the end of the last window, so one is added."""
    windows = -(-len(samples) // WINDOW)
    sound = np.zeros((windows + 1) * WINDOW, np.float32)
    sound[: len(samples)] = samples.astype(np.float32) / 32768
    found: list[float] = np.ravel(get_vad_model()(sound))[:windows].tolist()
    return found


def spans(probabilities: list[float]) -> list[Span]:
    return speech_spans(probabilities, len(probabilities) * WINDOW, Thresholds())


def spoken(probabilities: list[float]) -> npt.NDArray[np.bool_]:
    """Windows in which somebody speaks."""
    found = np.zeros(len(probabilities), bool)
    for start, end in spans(probabilities):
        found[start // WINDOW : end // WINDOW] = True
    return found


def heard(samples: Samples, block: int | None = None) -> list[float]:
    detector = SpeechDetector()
    blocks = [samples[start : start + block] for start in range(0, len(samples), block)] if block else [samples]
    return [probability for one in blocks for probability in detector.feed(one)] + detector.finish()


@pytest.mark.parametrize("name", SOUNDS)
def test_probabilities_and_spans_are_those_of_the_whole_model(meeting: Sound, name: str) -> None:
    samples = pcm(SOUNDS[name](meeting))
    ours, theirs = heard(samples), whole_model(samples)
    assert ours == pytest.approx(theirs, abs=CLOSE)
    assert spans(ours) == spans(theirs)
    assert bool(spans(ours)) == ("speech" in name)


@pytest.mark.parametrize(("line", "share"), [("silent", 0.95), ("noisy", 0.9)])
def test_speech_on_a_telephone_is_found_as_elsewhere(meeting: Sound, line: str, share: float) -> None:
    cut = telephone_band(meeting)
    samples = pcm(with_noise(cut, 20) if line == "noisy" else cut)
    everywhere, ours, alone = (spoken(one) for one in (heard(pcm(meeting)), heard(samples), whole_model(samples)))
    assert (ours & everywhere).sum() > share * everywhere.sum()
    assert (ours & ~everywhere).sum() < 0.05 * everywhere.sum()
    assert (alone & everywhere).sum() < 0.5 * everywhere.sum(), "the network alone hears it: nothing is put back"


@pytest.mark.parametrize("name", NOBODY_SPEAKS)
def test_on_a_telephone_too_nothing_else_is_speech(name: str) -> None:
    assert spans(heard(pcm(telephone_band(NOBODY_SPEAKS[name](60))))) == []


@pytest.mark.parametrize("hertz", [(425,), (1100,), (2100,), (697, 1209), (770, 1336), (941, 1633)])
def test_tones_of_a_telephone_are_no_speech(hertz: tuple[int, ...]) -> None:
    ticks = np.arange(20 * RATE) / RATE
    tone = np.asarray(0.1 * sum(np.sin(2 * np.pi * one * ticks) for one in hertz))
    for every, lasts in ((20.0, 20.0), (6.0, 1.0), (0.5, 0.25), (0.2, 0.1)):
        assert spans(heard(pcm(tone * (ticks % every < lasts)))) == []


@pytest.mark.parametrize("length", [0, 1, WINDOW - 1, WINDOW, WINDOW + 1, RUN - 1, RUN, RUN + 1])
def test_a_recording_may_have_any_length(meeting: Sound, length: int) -> None:
    samples = pcm(meeting)[RATE:][:length]
    assert heard(samples) == pytest.approx(whole_model(samples) if length else [], abs=CLOSE)


@pytest.mark.parametrize("block", [1, 511, 4096, RUN - 1, RUN, RUN + 1, 3 * RUN])
def test_speech_is_found_alike_whatever_the_blocks(meeting: Sound, block: int) -> None:
    samples = pcm(meeting)[: RUN + RATE if block == 1 else 4 * RUN + 1000]
    assert heard(samples, block) == heard(samples)


def test_a_block_may_be_overwritten_once_it_was_fed(meeting: Sound) -> None:
    samples, detector, block = pcm(meeting)[:RUN], SpeechDetector(), np.zeros(1024, np.int16)
    known = []
    for start in range(0, len(samples), len(block)):
        block[:] = samples[start : start + len(block)]
        known += detector.feed(block)
    assert known == heard(samples)


def test_what_is_known_is_told_after_four_seconds(meeting: Sound) -> None:
    samples, detector = pcm(meeting), SpeechDetector()
    assert detector.feed(samples[: RUN - 1]) == []
    assert len(detector.feed(samples[RUN - 1 : RUN])) == WINDOWS_A_RUN
    assert detector.finish() == []


def test_voices_are_heard_alike_side_by_side(meeting: Sound) -> None:
    voices = [pcm(sound) for sound in (meeting, meeting[::-1], quieter(meeting, 20), with_noise(meeting, 5))]
    with ThreadPoolExecutor(len(voices)) as threads:
        assert list(threads.map(lambda samples: heard(samples, 8000), voices)) == [heard(one) for one in voices]


def told(connection: Connection, samples: Samples) -> None:
    """Runs in a process as a reader's is."""
    had = silero.network.cache_info().currsize
    found = heard(samples)
    connection.send((had, len(list(Path("/proc/self/task").iterdir())), found))


def test_a_reader_is_forked_with_the_network_and_hears_the_same(meeting: Sound) -> None:
    samples = pcm(meeting)[: 2 * RUN]
    ours, theirs = multiprocessing.Pipe()
    process = readers._FORK.Process(target=told, args=(theirs, samples))
    process.start()
    assert ours.poll(PATIENCE)
    assert ours.recv() == (1, 1, heard(samples)), "the network was there, and one thread heard"
    process.join()


@pytest.fixture
def model() -> onnx.ModelProto:
    return onnx.load(SHIPPED)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file from which the network is made."""
    path = tmp_path / "another.onnx"
    monkeypatch.setattr(silero, "FILE", path)
    silero.network.cache_clear()
    yield path
    silero.network.cache_clear()


def renamed(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        node.input[:] = [name.replace("conv_layers.1", "blocks.1") for name in node.input]
    for tensor in model.graph.initializer:
        tensor.name = tensor.name.replace("conv_layers.1", "blocks.1")


def without_the_last_rectifier(model: onnx.ModelProto) -> None:
    (node,) = [node for node in model.graph.node if node.output[0] == "/encoder/relu_3/Relu_output_0"]
    node.op_type = "Tanh"


def with_a_narrower_layer(model: onnx.ModelProto) -> None:
    (tensor,) = [one for one in model.graph.initializer if one.name == "encoder.conv_layers.2.weight"]
    tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor)[:, :, :2], tensor.name))


@pytest.mark.parametrize("change", [renamed, without_the_last_rectifier, with_a_narrower_layer])
def test_another_model_is_refused_by_its_files_name(
    file: Path, model: onnx.ModelProto, change: Callable[[onnx.ModelProto], None]
) -> None:
    change(model)
    onnx.save(model, file)
    with pytest.raises(ImportError, match=r"another\.onnx is not the model of speech detection"):
        SpeechDetector()


@pytest.mark.parametrize("content", [None, b"", b"no model"])
def test_a_file_that_is_no_model_is_refused_by_its_name(file: Path, content: bytes | None) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ImportError, match=r"another\.onnx"):
        SpeechDetector()


def test_another_model_with_the_same_shape_is_taken(file: Path, model: onnx.ModelProto) -> None:
    """An update that was only trained anew gives what its own whole graph gives."""
    (tensor,) = [one for one in model.graph.initializer if one.name == "decoder.conv1d.bias"]
    tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor) - 20, tensor.name))
    onnx.save(model, file)
    assert max(heard(np.full(RUN, 1000, np.int16))) < CLOSE


def test_the_fork_server_lives_on_if_the_model_is_another(tmp_path: Path) -> None:
    """It ignores an ImportError of what it loads beforehand, and nothing else."""
    code = (
        "from services.gpu_worker.engine.plan import silero\n"
        "from pathlib import Path\n"
        f"silero.FILE = Path({str(tmp_path / 'gone.onnx')!r})\n"
        "try:\n"
        "    import services.gpu_worker.engine.processes.preload\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "gone.onnx is not the model" in done.stdout
