"""Voices of the synthesizers that Debian has: flite, festival and espeak-ng.

Some are voices of a synthesizer whose spectrum is stretched: pitch and formants change together, as with a shorter or a
longer vocal tract, at the same speed of speech. All were chosen by an embedding network for speakers: sentences of one
voice have a cosine of 0.8 or more, those of two voices 0.5 or less, in the mean.
"""

from __future__ import annotations

import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.audio.sound import RATE

Speech = npt.NDArray[np.float32]
"""Shape (samples,), full scale 1, at 16 kHz."""
Synthesizer = Literal["flite", "festival", "espeak-ng"]
LOUDNESS = 0.06
"""Root mean square of a sentence."""
WORDS_A_MINUTE = 160


@dataclass(frozen=True, slots=True)
class Voice:
    """A synthesizer's voice, and how many times as high it sounds."""

    name: str
    synthesizer: Synthesizer
    of: str
    height: float = 1.0


VOICES = (
    Voice("Susan", "flite", "slt"),
    Voice("Robert", "flite", "rms"),
    Voice("Alan", "flite", "awb"),
    Voice("Karl", "flite", "kal16"),
    Voice("Kenneth", "festival", "ked_diphone"),
    Voice("Sarah", "flite", "slt", 0.8),
    Voice("Ronald", "flite", "rms", 1.25),
    Voice("Anna", "espeak-ng", "en-us+Annie"),
    Voice("Conrad", "flite", "kal16", 0.8),
    Voice("Edward", "espeak-ng", "en-us"),
    Voice("Kevin", "festival", "ked_diphone", 1.25),
    Voice("Sophie", "flite", "slt", 1.25),
)


def say(voice: Voice, text: str) -> Speech:
    """What the voice says, always with the same loudness. The same text always gives the same sound.

    Raises subprocess.CalledProcessError or FileNotFoundError if the synthesizer fails or is not installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        command = {"flite": _flite, "festival": _festival, "espeak-ng": _espeak}[voice.synthesizer]
        subprocess.run(command(voice, text, path), check=True, capture_output=True, cwd=folder)
        sound, rate = _read(path)
    sound = resampled(sound, round(len(sound) * RATE / rate / voice.height))
    return as_loud(sound, LOUDNESS)


def as_loud(sound: npt.NDArray[np.float64], loudness: float) -> Speech:
    """The same sound with this root mean square."""
    scaled: Speech = (sound * (loudness / np.sqrt(np.mean(sound**2)))).astype(np.float32)
    return scaled


def resampled(sound: npt.NDArray[np.float64], samples: int) -> npt.NDArray[np.float64]:
    """The same sound in another number of samples, by its spectrum."""
    spectrum = np.fft.rfft(sound)
    kept = np.zeros(samples // 2 + 1, np.complex128)
    common = min(len(kept), len(spectrum))
    kept[:common] = spectrum[:common]
    return np.fft.irfft(kept, samples) * (samples / len(sound))


def _flite(voice: Voice, text: str, path: Path) -> list[str]:
    return ["flite", "-voice", voice.of, "--setf", f"duration_stretch={voice.height}", "-t", text, "-o", str(path)]


def _festival(voice: Voice, text: str, path: Path) -> list[str]:
    script = path.with_suffix(".scm")
    script.write_text(
        f"(voice_{voice.of})\n"
        f"(Parameter.set 'Duration_Stretch {voice.height})\n"
        f'(utt.save.wave (utt.synth (Utterance Text "{text}")) "{path}" \'riff)\n'
    )
    return ["festival", "-b", str(script)]


def _espeak(voice: Voice, text: str, path: Path) -> list[str]:
    return ["espeak-ng", "-v", voice.of, "-s", str(round(WORDS_A_MINUTE / voice.height)), "-w", str(path), text]


def _read(path: Path) -> tuple[npt.NDArray[np.float64], int]:
    with wave.open(str(path), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.astype(np.float64) / 32768, file.getframerate()
