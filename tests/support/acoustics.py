"""Sounds for tests and measurements: recordings made worse, and sounds in which nobody speaks."""

from __future__ import annotations

import threading
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.audio.reading import read
from services.gpu_worker.engine.audio.sound import RATE, Hearing

Sound = npt.NDArray[np.float64]
"""Shape (samples,), full scale 1, at 16 kHz."""


def load(path: Path, hearing: Hearing = Hearing()) -> Sound:  # noqa: B008 - frozen
    """A recording, mixed down, on the clock that a player shows: long pauses are filled with silence."""
    reading, blocks = read(path, hearing, threading.Event())
    pieces, pauses = [np.zeros(0)], 0
    for block in blocks:
        for _, length in reading.pauses[pauses:]:
            pieces.append(np.zeros(length))
        pauses = len(reading.pauses)
        pieces.append(block[0].astype(np.float64) / 32768)
    return np.concatenate(pieces)


def write_wav(path: Path, sound: npt.NDArray[np.float64], rate: int = RATE) -> Path:
    """Write 16 bit PCM; shape (samples,) or (samples, channels)."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if sound.ndim == 1 else sound.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def transcode(
    source: Path, path: Path, *, codec: str, rate: int, form: str, muxer: str | None = None, **options: str
) -> Path:
    """Encode a recording anew, in mono; without a muxer, the file's name says in which container."""
    with av.open(str(source)) as read_from, av.open(str(path), "w", format=muxer, options=options) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono", format=form)
        resampler = av.AudioResampler(format=form, layout="mono", rate=rate, frame_size=stream.frame_size or 1024)
        for frame in [*read_from.decode(audio=0), None]:
            for resampled in resampler.resample(frame):
                container.mux(stream.encode(resampled))
        container.mux(stream.encode(None))
    return path


def with_noise(sound: Sound, decibels: float, seed: int = 1) -> Sound:
    """White noise `decibels` below the power of the sound."""
    power = np.mean(sound**2) / 10 ** (decibels / 10)
    noisy = sound + np.random.default_rng(seed).normal(0, np.sqrt(power), len(sound))
    return np.asarray(noisy / max(1.0, np.abs(noisy).max()))


def quieter(sound: Sound, decibels: float) -> Sound:
    return np.asarray(sound / 10 ** (decibels / 20))


def whispered(sound: Sound) -> Sound:
    """The same spectrum without a voice: the phases of every 64 ms are random."""
    random, window = np.random.default_rng(5), np.hanning(1024)
    noise = np.zeros_like(sound)
    for start in range(0, len(sound) - len(window), len(window) // 4):
        spectrum = np.abs(np.fft.rfft(sound[start : start + len(window)] * window))
        phases = np.exp(2j * np.pi * random.random(len(spectrum)))
        noise[start : start + len(window)] += np.fft.irfft(spectrum * phases) * window
    return noise / 2


def over_the_phone(source: Path, path: Path) -> Path:
    """8 kHz, μ-law."""
    return transcode(source, path, codec="pcm_mulaw", rate=8000, form="s16")


def telephone_band(sound: Sound) -> Sound:
    """What lies from 300 to 3,400 Hz, and nothing else."""
    # A transform of a length without a large prime factor is many times as fast.
    samples = -(-len(sound) // (10 * RATE)) * 10 * RATE
    spectrum = np.fft.rfft(sound, samples)
    hertz = np.fft.rfftfreq(samples, 1 / RATE)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    return np.asarray(np.fft.irfft(spectrum, samples)[: len(sound)])


def silence(seconds: float) -> Sound:
    return np.zeros(int(seconds * RATE))


def hum(seconds: float) -> Sound:
    """Mains: 50 Hz and its overtones."""
    time = np.arange(int(seconds * RATE)) / RATE
    return np.asarray(sum(0.2 / n * np.sin(2 * np.pi * 50 * n * time) for n in range(1, 8)))


def white_noise(seconds: float) -> Sound:
    return np.random.default_rng(2).normal(0, 0.1, int(seconds * RATE))


def music(seconds: float) -> Sound:
    """Three plucked voices walking over chords, with a beat: nothing sung."""
    time = np.arange(int(seconds * RATE)) / RATE
    random = np.random.default_rng(3)
    sound = np.zeros_like(time)
    for beat in np.arange(0, seconds, 0.5):
        since = time[time >= beat] - beat
        root = random.choice([220.0, 261.6, 329.6, 392.0])
        for interval in (1, 1.25, 1.5):
            pitch = root * interval
            tone = sum(np.sin(2 * np.pi * pitch * n * since) / n for n in (1, 2, 3))
            sound[time >= beat] += 0.08 * tone * np.exp(-4 * since)
        click = random.normal(0, 0.2, len(since)) * np.exp(-60 * since)
        sound[time >= beat] += click
    return np.asarray(np.clip(sound, -1, 1))


NOBODY_SPEAKS: dict[str, Callable[[float], Sound]] = {
    "silence": silence,
    "hum": hum,
    "white noise": white_noise,
    "music": music,
}
