"""What one reading writes for people who listen: peaks, and a copy where browsers do not play the recording."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from services.common.domain.options import Options
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.listening import listening
from services.gpu_worker.engine.listening.copying import Copying
from services.gpu_worker.engine.listening.encoding import Encoder
from services.gpu_worker.engine.listening.files import copy_file, peaks_file
from services.gpu_worker.engine.plan.local_reader import LocalReader
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.process import LIMITS
from services.gpu_worker.engine.processes.readers import ReaderProcesses
from services.gpu_worker.engine.stopping import StoppedError
from tests.support.acoustics import Sound, load, transcode, write_wav
from tests.support.listening import LONGEST
from tests.support.media import film, paused
from tests.support.stamps import over_the_air

Make = Callable[[Path, Path], Path]
BEAT = 0.75
"""Seconds between two clicks."""
PAUSED_AT = 3.7
"""Seconds; between two clicks."""


@dataclass(frozen=True)
class Heard:
    """What a reading left."""

    plan: Plan
    peaks: bytes
    copy: bytes | None
    """Of the file; None where there is none."""

    @property
    def media(self) -> Any:
        return self.plan.listening["media"]

    def sound(self, folder: Path) -> Sound:
        """The copy as a player plays it."""
        assert self.copy
        path = folder / "played.m4a"
        path.write_bytes(self.copy)
        return load(path)


def read(path: Path, folder: Path, reader: Any = None, **options: Any) -> Heard:
    folder.mkdir()
    given: dict[str, Any] = {"spool": folder, "max_seconds": LONGEST, "stop": threading.Event()}
    *_, plan = (reader or LocalReader()).plan(path, Options.parse(options, ["any"]), **given)
    assert isinstance(plan, Plan)
    copy, peaks = copy_file(folder), peaks_file(folder)
    return Heard(
        plan,
        gzip.decompress(peaks.read_bytes()) if peaks.exists() else b"",
        copy.read_bytes() if copy.exists() else None,
    )


def clicks(seconds: float) -> Sound:
    """A short tone every beat, each as loud as none near it."""
    sound = np.zeros(int(seconds * RATE))
    for number, start in enumerate(np.arange(0.3, seconds - 0.2, BEAT)):
        tone = np.sin(2 * np.pi * 800 * np.arange(800) / RATE) * (0.4 + 0.1 * (number % 5))
        sound[round(start * RATE) : round(start * RATE) + len(tone)] = tone
    return sound


def onsets(sound: Sound) -> list[float]:
    """Seconds at which clicks begin."""
    loud = np.flatnonzero(np.abs(sound) > 0.15)
    first = np.concatenate([[True], np.diff(loud) > RATE // 4])
    return [float(place) / RATE for place in loud[first]]


def beginnings(peaks: bytes) -> list[int]:
    """The bytes at which clicks begin."""
    loud = [False, *(byte > 38 for byte in peaks)]
    return [number for number, (before, now) in enumerate(pairwise(loud)) if now and not before]


def as_(codec: str, rate: int, form: str, muxer: str | None = None) -> Make:
    return lambda source, path: transcode(source, path, codec=codec, rate=rate, form=form, muxer=muxer)


PLAYED: Mapping[str, tuple[Make, str]] = {
    "a.flac": (as_("flac", 16_000, "s16"), "audio/flac"),
    "a.m4a": (as_("aac", 44_100, "fltp"), "audio/mp4"),
    "a.mp3": (as_("libmp3lame", 44_100, "s16p"), "audio/mpeg"),
    "a.wav": (as_("pcm_s16le", 8_000, "s16"), "audio/wav"),
    "film.mp4": (lambda source, path: film(path, source), "video/mp4"),
}
COPIED: Mapping[str, tuple[Make, str]] = {
    "a.3gp": (lambda source, path: written_by(over_the_air, source, path), "audio/mp4"),
    "a.aac": (as_("aac", 16_000, "fltp", "adts"), "audio/aac"),
    "a.amr": (lambda source, path: written_by(over_the_air, source, path), "audio/amr"),
    "a.avi": (as_("libmp3lame", 44_100, "s16p"), "video/avi"),
    "a.mka": (as_("aac", 44_100, "fltp"), "audio/webm"),
    "a.mov": (as_("aac", 44_100, "fltp"), "audio/mp4"),
    "a.ogg": (as_("libopus", 48_000, "s16"), "audio/ogg"),
    "a.ts": (as_("aac", 44_100, "fltp"), "video/mp2t"),
    "a.wma": (as_("libmp3lame", 44_100, "s16p", "asf"), "audio/x-ms-wma"),
    "alaw.wav": (as_("pcm_alaw", 8_000, "s16"), "audio/wav"),
    "deep.wav": (as_("pcm_s24le", 48_000, "s32"), "audio/wav"),
    "fragments.mp4": (
        lambda source, path: transcode(
            source, path, codec="aac", rate=44_100, form="fltp", movflags="frag_keyframe+empty_moov"
        ),
        "audio/mp4",
    ),
    "hevc.mp4": (lambda source, path: film(path, source, codec="libx265"), "video/mp4"),
    "two.mp4": (lambda source, path: film(path, source, tracks=2), "video/mp4"),
}


def written_by(write: Callable[[Any, Path], object], source: Path, path: Path) -> Path:
    write(load(source).astype(np.float32), path)
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav(tmp_path_factory.mktemp("clicks") / "clicks.wav", clicks(8))


@pytest.mark.parametrize("name", PLAYED)
def test_what_browsers_play_gets_peaks_and_no_copy(source: Path, tmp_path: Path, name: str) -> None:
    make, kind = PLAYED[name]
    heard = read(make(source, tmp_path / name), tmp_path / "spool")
    assert heard.media == {"media_type": kind, "video": kind.startswith("video"), "playable": True}
    assert heard.copy is None
    assert len(heard.peaks) == -(-heard.plan.seconds * 20 // 1)


@pytest.mark.parametrize("name", COPIED)
def test_what_they_do_not_all_play_gets_a_copy_on_the_clock_of_the_words(
    source: Path, tmp_path: Path, name: str
) -> None:
    make, kind = COPIED[name]
    path = make(source, tmp_path / name)
    heard = read(path, tmp_path / "spool")
    assert (heard.media["media_type"], heard.media["playable"]) == (kind, False)
    assert onsets(heard.sound(tmp_path)) == pytest.approx(onsets(load(path)), abs=0.005)
    assert len(onsets(load(path))) >= 10, "nothing would be proved"


def test_the_copys_index_comes_first_so_a_browser_needs_no_second_look(source: Path, tmp_path: Path) -> None:
    heard = read(COPIED["deep.wav"][0](source, tmp_path / "deep.wav"), tmp_path / "spool")
    assert heard.copy
    assert heard.copy.find(b"ftypM4A ") == 4
    assert 0 < heard.copy.find(b"moov") < heard.copy.find(b"mdat")


def test_peaks_are_those_of_the_sound_at_each_time(source: Path, tmp_path: Path) -> None:
    heard = read(source, tmp_path / "spool")
    samples = np.abs((load(source) * 32768).astype(np.int32))[: len(heard.peaks) * 800]
    assert list(heard.peaks) == [(int(part.max()) * 255 + 16_383) // 32_767 for part in samples.reshape(-1, 800)]


@pytest.mark.parametrize("pause", [0.4, 7.0, 900.0])
def test_a_gap_is_silence_in_the_copy_and_the_peaks_and_costs_little(
    source: Path, tmp_path: Path, pause: float
) -> None:
    """Also in a container whose sound a browser would play: some players close the gap."""
    opus = transcode(source, tmp_path / "a.mka", codec="libopus", rate=48_000, form="s16")
    heard = read(paused(tmp_path / "paused.mka", opus, PAUSED_AT, pause), tmp_path / "spool")
    before = [place for place in onsets(load(opus)) if place < PAUSED_AT]
    after = [place + pause for place in onsets(load(opus)) if place > PAUSED_AT]
    played = onsets(heard.sound(tmp_path))
    assert played == pytest.approx(before + after, abs=0.005)
    assert [number / 20 for number in beginnings(heard.peaks)] == pytest.approx(played, abs=0.05)
    assert len(heard.peaks) == -(-heard.plan.seconds * 20 // 1)
    assert heard.copy
    assert len(heard.copy) < 80_000 + pause * 300


def test_two_voices_are_both_in_the_copy(tmp_path: Path) -> None:
    sound = clicks(8)
    both = np.stack([sound, np.roll(sound, RATE // 3)], axis=1)
    path = write_wav(tmp_path / "two.wav", both, rate=RATE)
    wanted = transcoded_stereo(path, tmp_path / "two.mka")
    heard = read(wanted, tmp_path / "spool", channels="separate")
    assert heard.plan.channels == 2
    assert len(onsets(heard.sound(tmp_path))) >= 20


def transcoded_stereo(source: Path, path: Path) -> Path:
    with av.open(str(source)) as read_from, av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=RATE, layout="stereo", format="s16")
        for frame in read_from.decode(audio=0):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_what_turns_out_at_the_end_not_to_be_played_whole_is_copied_from_what_was_read(
    source: Path, tmp_path: Path
) -> None:
    """Two recordings in one file: the header of the first knows nothing of the second, so players stop there."""
    flac = transcode(source, tmp_path / "one.flac", codec="flac", rate=RATE, form="s16").read_bytes()
    (tmp_path / "joined.flac").write_bytes(flac + flac)
    heard = read(tmp_path / "joined.flac", tmp_path / "spool")
    assert heard.media["playable"] is False
    assert heard.plan.seconds == pytest.approx(16, abs=0.1)
    assert onsets(heard.sound(tmp_path)) == pytest.approx(onsets(load(tmp_path / "joined.flac")), abs=0.005)


def test_a_process_of_its_own_leaves_the_same(source: Path, tmp_path: Path) -> None:
    path = COPIED["a.ogg"][0](source, tmp_path / "a.ogg")
    here = read(path, tmp_path / "here")
    there = read(path, tmp_path / "there", ReaderProcesses(LIMITS))
    assert here == there
    assert here.copy


def test_a_copy_for_which_the_disk_has_no_room_is_left_out_and_the_plan_says_so(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Copying.__init__

    def full(copying: Copying, _: Path, *more: Any) -> None:
        real(copying, Path("/dev/full"), *more)

    path = COPIED["a.ogg"][0](source, tmp_path / "a.ogg")
    without = read(path, tmp_path / "usual")
    monkeypatch.setattr(Copying, "__init__", full)
    monkeypatch.setattr(Path, "unlink", lambda _, **__: None)  # of what is no file
    heard = read(path, tmp_path / "spool")
    assert (heard.plan.clips, heard.peaks, heard.copy) == (without.plan.clips, without.peaks, None)
    assert heard.plan.listening == {**without.plan.listening, "faults": ["copy: OSError"]}


def test_peaks_for_which_the_disk_has_no_room_are_left_out(source: Path, tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    peaks_file(tmp_path / "spool").symlink_to("/dev/full")
    given: dict[str, Any] = {"spool": tmp_path / "spool", "max_seconds": LONGEST, "stop": threading.Event()}
    *_, plan = LocalReader().plan(source, Options(), **given)
    assert isinstance(plan, Plan)
    assert plan.listening["faults"] == ["peaks: OSError"]
    assert not peaks_file(tmp_path / "spool").exists()


def test_an_encoder_that_breaks_costs_the_copy_and_no_more(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise av.error.InvalidDataError(1, "no")

    monkeypatch.setattr(Encoder, "sound", broken)
    heard = read(COPIED["a.ogg"][0](source, tmp_path / "a.ogg"), tmp_path / "spool")
    assert heard.copy is None
    assert heard.peaks
    assert heard.media["playable"] is False


def test_a_clock_beyond_all_bounds_gives_neither(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "LONGEST", 4 * RATE)
    heard = read(COPIED["a.ogg"][0](source, tmp_path / "a.ogg"), tmp_path / "spool")
    assert (heard.peaks, heard.copy) == (b"", None)


def test_a_reading_that_is_stopped_while_the_copy_is_written_ends_at_once_and_leaves_none(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, slow = threading.Event(), threading.Event()

    def encode(*_: Any) -> None:
        stop.set()
        slow.wait(0.3)

    monkeypatch.setattr(Encoder, "sound", encode)
    path = COPIED["a.ogg"][0](source, tmp_path / "a.ogg")
    with pytest.raises(StoppedError):
        list(LocalReader().plan(path, Options(), spool=tmp_path, max_seconds=LONGEST, stop=stop))
    assert "copying" not in {thread.name for thread in threading.enumerate()}


def test_whoever_takes_no_more_leaves_no_thread(
    tmp_path: Path, meeting: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "FIRST", 0)
    long = write_wav(tmp_path / "long.wav", np.tile(meeting, 8))
    path = transcode(long, tmp_path / "long.mka", codec="flac", rate=RATE, form="s16")
    items = LocalReader().plan(path, Options(), spool=tmp_path, max_seconds=LONGEST, stop=threading.Event())
    next(items)
    assert "copying" in {thread.name for thread in threading.enumerate()}
    items.close()
    assert "copying" not in {thread.name for thread in threading.enumerate()}
    assert not copy_file(tmp_path).exists()
