"""Whatever is uploaded: read within bounds, or refused with a code that says why."""

from __future__ import annotations

import socket
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from services.common.domain.errors import AudioTooLongError, InvalidMediaError, NoAudioTrackError
from services.gpu_worker.engine.audio.reading import read
from services.gpu_worker.engine.audio.sound import RATE, Hearing
from services.gpu_worker.engine.stopping import StoppedError
from tests.support.acoustics import over_the_phone, transcode, write_wav
from tests.support.audio import MEETING
from tests.support.media import SECONDS, plan, written
from tests.support.sounds import silent_video


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.mp3", b""),
        ("random.wav", np.random.default_rng(0).bytes(100_000)),
        ("note.txt", b"Ett brev om ingenting alls.\n" * 200),
        ("page.pdf", b"%PDF-1.7\n" + b"1 0 obj << >> endobj\n" * 50),
        ("page.html", b"<html><body>hej</body></html>" * 20),
    ],
)
def test_what_is_no_media_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    with pytest.raises(InvalidMediaError):
        plan(written(tmp_path / name, data))


def test_an_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "sound.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notes.txt", "En anteckning.\n" * 5000)
    with pytest.raises(InvalidMediaError):
        plan(tmp_path / "sound.zip")


def test_a_video_without_a_sound_track_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoAudioTrackError):
        plan(written(tmp_path / "silent.mp4", silent_video()))


@pytest.mark.parametrize("scheme", ["http://127.0.0.1:{port}/a.ts", "file:{other}", "{other}"])
def test_a_playlist_opens_nothing_that_it_names(tmp_path: Path, scheme: str) -> None:
    other = tmp_path / "secret.wav"
    write_wav(other, np.zeros(RATE))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        target = scheme.format(port=server.getsockname()[1], other=other)
        playlists = {
            "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n",
            "list.ffconcat": f"ffconcat version 1.0\nfile '{target}'\n",
            "list.sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\na={target}\n",
        }
        for name, text in playlists.items():
            with pytest.raises(InvalidMediaError):
                plan(written(tmp_path / name, text.encode()))
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_name_that_looks_like_a_protocol_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "concat:a|b.wav"
    write_wav(path, np.zeros(RATE))
    assert plan(path).samples == RATE


def test_a_thousand_channels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidMediaError):
        plan(write_wav(tmp_path / "many.wav", np.zeros((100, 1000))))


@pytest.mark.parametrize("rate", [1, 3999, 800_000])
def test_an_absurd_sample_rate_is_refused(tmp_path: Path, rate: int) -> None:
    with pytest.raises(InvalidMediaError):
        plan(write_wav(tmp_path / "odd.wav", np.zeros(1000), rate=rate))


def test_a_day_of_audio_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "day.wav"
    write_wav(path, np.zeros(RATE))
    data = bytearray(path.read_bytes()[:44])
    size = 24 * 3600 * RATE * 2
    data[40:44] = size.to_bytes(4, "little")
    path.write_bytes(data)
    with path.open("ab") as file:
        file.truncate(size + 44)  # sparse: nothing is written
    with pytest.raises(AudioTooLongError):
        plan(path, max_seconds=4 * 3600)


def test_what_the_header_does_not_say_is_noticed_while_reading(tmp_path: Path, talk: Path) -> None:
    path = transcode(talk, tmp_path / "meeting.ogg", codec="libopus", rate=16000, form="s16")
    with pytest.raises(AudioTooLongError):
        plan(path, max_seconds=20)


ENCODINGS = {
    "talk.flac": ("flac", 16000, "s16"),
    "talk.m4a": ("aac", 22050, "fltp"),
    "talk.webm": ("libopus", 48000, "s16"),
    "talk.ogg": ("libopus", 16000, "s16"),
    "talk.aiff": ("pcm_s16be", 16000, "s16"),
    "talk.mka": ("ac3", 32000, "fltp"),
    "talk.mov": ("pcm_alaw", 8000, "s16"),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_what_people_record_is_read_whole(tmp_path: Path, talk: Path, name: str) -> None:
    codec, rate, form = ENCODINGS[name]
    whole = plan(transcode(talk, tmp_path / name, codec=codec, rate=rate, form=form))
    assert whole.seconds == pytest.approx(SECONDS, abs=0.2)
    assert whole.truncated_at is None
    assert 15 * RATE < whole.speech < 24 * RATE


def test_what_broadcasters_record_is_read_whole(tmp_path: Path, talk: Path) -> None:
    path = transcode(talk, tmp_path / "talk.mxf", codec="pcm_s16le", rate=48000, form="s16", muxer="mxf_opatom")
    assert plan(path).seconds == pytest.approx(SECONDS, abs=0.2)


def test_a_recording_beyond_the_phone_line_gives_the_same_seconds(tmp_path: Path, talk: Path) -> None:
    assert plan(over_the_phone(talk, tmp_path / "phone.wav")).seconds == pytest.approx(SECONDS, abs=0.1)


def test_reading_stops_when_told_to() -> None:
    stop = threading.Event()
    _, blocks = read(MEETING, Hearing(), stop)
    next(blocks)
    stop.set()
    with pytest.raises(StoppedError):
        list(blocks)


def test_the_limit_counts_sound_whatever_the_header_or_a_pause_says(tmp_path: Path, meeting: np.ndarray) -> None:
    path = write_wav(tmp_path / "piped.wav", meeting)
    data = bytearray(path.read_bytes())
    data[40:44] = (0x7FFFF000).to_bytes(4, "little")
    path.write_bytes(data)
    assert plan(path, max_seconds=SECONDS + 1).truncated_at is None
    with pytest.raises(AudioTooLongError):
        plan(path, max_seconds=SECONDS - 1)
