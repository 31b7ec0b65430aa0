"""Makes examples/audio/dialogue.mp3 and the truth beside it: `python -m tests.bench.speakers.example`.

Needs the synthesizers of the made dialogues (flite, festival, espeak-ng).
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np

from services.gpu_worker.engine.audio.sound import RATE
from tests.bench.speakers.dialogues import Made, Said, place
from tests.bench.speakers.recordings import write_truth
from tests.bench.speakers.voices import VOICES, Voice, say
from tests.support.acoustics import write_wav

DIALOGUE = Path(__file__).parents[3] / "examples" / "audio" / "dialogue.mp3"
BITS_A_SECOND = 24_000
CAST: tuple[Voice, ...] = tuple(voice for voice in VOICES if voice.name in {"Susan", "Robert", "Kenneth"})
SCRIPT = (
    (0, 0.3, "Good morning, and welcome to the meeting about the old bridge. Shall we begin with the budget?"),
    (1, 0.5, "Yes, please. The engineers measured the bridge last week, and they found seven mistakes in the plan."),
    (2, 0.7, "Seven mistakes are too many. Who has checked the numbers before we paid for them?"),
    (1, 0.4, "Nobody did, I am afraid. The secretary was on holiday, and there was no time."),
    (0, 0.6, "Then we will ask for a second report. How long does it take to repair the bridge?"),
    (1, 0.3, "About six weeks, if the weather is good and the road stays open."),
    (2, -0.8, "And what will the farmers do while the road is closed?"),
    (0, 0.6, "They can drive past the church, as they did last summer."),
    (2, 0.5, "All right. I will write to the farmers and to the school this afternoon."),
    (1, 0.4, "Thank you, that is very useful."),
    (0, 0.5, "Then we meet again on Thursday morning, in the town hall. Thank you all."),
)
"""Who says what, and so many seconds after the turn before has ended; one of them does not wait for that."""


def made() -> Made:
    """The dialogue and its truth."""
    dialogue, end = Made(np.zeros(90 * RATE, np.float32)), 0.0
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        speech = workers.map(lambda line: say(CAST[line[0]], line[2]), SCRIPT)
        for (speaker, pause, text), sound in zip(SCRIPT, speech, strict=True):
            end = place(dialogue, Said(speaker=speaker, text=text, pause=pause), sound, end, CAST[speaker].name)
    dialogue.sound = dialogue.sound[: round((end + 0.5) * RATE)]
    return dialogue


def main() -> None:
    """Write the three files."""
    dialogue = made()
    with tempfile.TemporaryDirectory() as folder:
        wav = write_wav(Path(folder) / "dialogue.wav", dialogue.sound.astype(np.float64))
        _as_mp3(wav)
    write_truth(DIALOGUE, dialogue)


def _as_mp3(wav: Path) -> None:
    with av.open(str(wav)) as sound, av.open(str(DIALOGUE), "w") as container:
        stream = container.add_stream("mp3", rate=RATE, layout="mono", format="fltp")
        stream.bit_rate = BITS_A_SECOND
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE, frame_size=stream.frame_size)
        for frame in [*sound.decode(audio=0), None]:
            for resampled in resampler.resample(frame):
                container.mux(stream.encode(resampled))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
