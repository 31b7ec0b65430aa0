"""The self-test: before its first claim, a worker transcribes a clip whose words are known, on the device that it uses.

A driver that is too old for the library gives empty texts without an error, and a device may compute nonsense or be
far too slow. Such a machine must take no recording. The first pass also warms the device up.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path

from services.common import logs
from services.common.domain import model_keys
from services.common.domain.errors import TranscriberError
from services.common.domain.options import Options
from services.common.redaction import describe
from services.gpu_worker.engine.decode.model_files import place
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.process import EngineProcess
from services.gpu_worker.engine.processes.device_link import DeviceDiedError

CLIP = Path(__file__).parent / "data" / "known_clip.flac"
TEXT = "Patienten har haft ont i vänster knä sedan början av mars."
_MOST_SECONDS = 60.0


class SelfTestFailedError(TranscriberError):
    """This machine does not transcribe as it should, so it takes no work."""

    code = "SELF_TEST_FAILED"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What an engine made of the known clip."""

    text: str
    warm_up_seconds: float
    """The length of the first pass, in which libraries are loaded and kernels chosen."""
    speed: float
    """Seconds of audio a second, in the second pass."""


@dataclass(frozen=True, kw_only=True)
class Passed:
    """The result of a self-test that was passed; likeness from 0 to 1, speed in seconds of audio a second."""

    likeness: float
    warm_up_seconds: float
    speed: float


def listen(engine: EngineProcess) -> Heard:
    """Transcribe the known clip twice: once to warm up and for the words, once for the speed.

    Raises:
        SelfTestFailedError: it could not be transcribed.

    """
    text, seconds, warm_up = _pass(engine)
    _, _, took = _pass(engine)
    return Heard(text=text, warm_up_seconds=warm_up, speed=seconds / took)


def judge(heard: Heard, *, likeness: float, floor: float) -> Passed:
    """Compare what an engine made of the known clip with its words.

    Raises:
        SelfTestFailedError: it is less like it than `likeness` (0 to 1), or the speed is under `floor` (seconds of
            audio a second).

    """
    found = resemblance(heard.text, TEXT)
    if found < likeness and not heard.text:
        raise SelfTestFailedError("The known clip came out empty: the device or its driver computes nothing.")
    if found < likeness:
        raise SelfTestFailedError(
            f"The known clip came out wrong (likeness {found:.2f}, needed {likeness}): the model or the device is not "
            "what it should be."
        )
    if heard.speed < floor:
        raise SelfTestFailedError(
            f"The known clip ran at {heard.speed:.2f} times real time, under the floor of {floor}."
        )
    return Passed(
        likeness=round(found, 3), warm_up_seconds=round(heard.warm_up_seconds, 2), speed=round(heard.speed, 2)
    )


def resemblance(heard: str, said: str) -> float:
    """The likeness of two texts, from 0 to 1; case, punctuation and spacing do not count."""
    return SequenceMatcher(None, _letters(heard), _letters(said), autojunk=False).ratio()


def _pass(engine: EngineProcess) -> tuple[str, float, float]:
    """The clip's text, its length and the time it took, both in seconds.

    Raises:
        SelfTestFailedError: it could not be transcribed. The clip is good, so every error is caused by the machine.

    """
    try:
        return _heard(engine)
    except DeviceDiedError:
        raise SelfTestFailedError("The process that holds the model died over the known clip.") from None
    except TranscriberError as error:
        raise SelfTestFailedError(f"The known clip could not be transcribed: {describe(error)}") from error


def _heard(engine: EngineProcess) -> tuple[str, float, float]:
    name, style = model_keys.split(engine.model)
    options = Options.parse({"model": name, "style": style}, (engine.model,))
    plans: list[Plan] = []
    with tempfile.TemporaryDirectory(prefix="self-test-") as spool:
        began = time.monotonic()
        heard = engine.transcribe(
            CLIP,
            options,
            spool=Path(spool),
            max_seconds=_MOST_SECONDS,
            stop=threading.Event(),
            planned=plans.append,
        )
        results = sorted(heard, key=lambda result: result.index)
        took = time.monotonic() - began
    return "".join(word.text for result in results for word in result.words).strip(), plans[0].seconds, took


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def main() -> int:
    """The self-test by hand, as an image's build runs it: exit status 0 if this machine may work."""
    logs.begin("gpu_worker")
    parser = argparse.ArgumentParser(prog="self-test", description=main.__doc__)
    parser.add_argument("model")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--models-folder", type=Path)
    parser.add_argument("--likeness", type=float, default=0.6, help="from 0 to 1 (default: %(default)s)")
    parser.add_argument("--floor", type=float, default=0.2, help="seconds of audio a second (default: %(default)s)")
    chosen = parser.parse_args()
    folder = place(chosen.models_folder, chosen.model) if chosen.models_folder else None
    engine = EngineProcess(chosen.model, folder, chosen.device)
    try:
        engine.wait_until_ready()
        passed = judge(listen(engine), likeness=chosen.likeness, floor=chosen.floor)
    except DeviceDiedError:
        sys.stderr.write("SELF_TEST_FAILED: The process that was to hold the model died while it loaded it.\n")
        return 1
    except TranscriberError as error:
        sys.stderr.write(f"{error.code}: {error}\n")
        return 1
    finally:
        engine.close()
    sys.stdout.write(f"{json.dumps(asdict(passed))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
