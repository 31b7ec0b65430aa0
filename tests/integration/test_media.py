"""Whatever is uploaded: read within bounds, or refused with a code that says why."""

from __future__ import annotations

import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from services.common.domain.errors import AudioTooLongError, InvalidMediaError, InvalidOptionError, NoAudioTrackError
from services.common.domain.options import Options
from services.gpu_worker.engine.audio.openings import StoppedError
from services.gpu_worker.engine.audio.reading import read
from services.gpu_worker.engine.audio.samples import Piece
from services.gpu_worker.engine.audio.track import Track
from services.gpu_worker.engine.part_audio import cut_parts
from services.gpu_worker.engine.plan import RATE, VOICES, Hearing, Plan
from services.gpu_worker.engine.planner import make_plan
from services.gpu_worker.engine.speech import SpeechDetector
from tests.support.acoustics import load, over_the_phone, transcode, write_wav
from tests.support.sounds import silent_video

MEETING = Path("examples/audio/meeting.mp3")
SECONDS = 26.0
"""The first four sentences; enough for anything that is tried here."""


def plan(path: Path, max_seconds: float = 600, **options: object) -> Plan:
    return make_plan(path, Options.parse(options, ["any"]), max_seconds=max_seconds, stop=threading.Event())


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def meeting() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return load(MEETING)[: int(SECONDS * RATE)]


@pytest.fixture(scope="module")
def talk(meeting: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav(tmp_path_factory.mktemp("talk") / "talk.wav", meeting)


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


@pytest.mark.parametrize(
    ("name", "codec", "form"),
    [("cut.flac", "flac", "s16"), ("cut.wav", "pcm_s16le", "s16"), ("cut.webm", "libopus", "s16")],
)
def test_a_file_cut_short_is_read_as_far_as_it_goes_and_says_where(
    tmp_path: Path, talk: Path, name: str, codec: str, form: str
) -> None:
    whole = transcode(talk, tmp_path / name, codec=codec, rate=16000, form=form).read_bytes()
    cut = plan(written(tmp_path / name, whole[: len(whole) * 6 // 10]))
    assert cut.truncated_at == pytest.approx(0.6 * SECONDS, rel=0.1)
    assert "truncated" in cut.warnings


def test_damage_in_the_middle_is_passed_over_reported_and_moves_no_time(tmp_path: Path, talk: Path) -> None:
    data = bytearray(transcode(talk, tmp_path / "whole.flac", codec="flac", rate=16000, form="s16").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 20_000] = np.random.default_rng(0).bytes(20_000)
    damaged = plan(written(tmp_path / "damaged.flac", bytes(data)))
    assert damaged.seconds == pytest.approx(SECONDS, abs=0.2)
    assert "gaps" in damaged.warnings


def test_a_recording_beyond_the_phone_line_gives_the_same_seconds(tmp_path: Path, talk: Path) -> None:
    assert plan(over_the_phone(talk, tmp_path / "phone.wav")).seconds == pytest.approx(SECONDS, abs=0.1)


def test_speakers_on_two_channels_are_planned_apart(tmp_path: Path, meeting: np.ndarray) -> None:
    half = len(meeting) // 2
    stereo = np.zeros((len(meeting), 2))
    stereo[:half, 0], stereo[half:, 1] = meeting[:half], meeting[half:]
    apart = plan(write_wav(tmp_path / "call.wav", stereo), channels="separate")
    assert apart.channels == 2
    assert {clip.channel for clip in apart.clips if clip.start < half - RATE} == {0}
    assert {clip.channel for clip in apart.clips if clip.end > half + RATE} == {1}


def test_channels_that_are_not_two_are_mixed_and_the_plan_says_so() -> None:
    mixed = plan(MEETING, channels="separate")
    assert (mixed.channels, mixed.warnings) == (1, ("channels_mixed",))


@pytest.mark.parametrize("size", [1, 511, 4096, 100_000])
def test_speech_is_found_alike_whatever_the_blocks(meeting: np.ndarray, size: int) -> None:
    samples = (meeting[: len(meeting) if size > 1 else RATE] * 32767).astype(np.int16)
    whole, pieces = SpeechDetector(), SpeechDetector()
    whole.feed(samples)
    for start in range(0, len(samples), size):
        pieces.feed(samples[start : start + size])
    assert pieces.finish() == whole.finish()


def test_reading_stops_when_told_to() -> None:
    stop = threading.Event()
    _, blocks = read(MEETING, Hearing(), stop)
    next(blocks)
    stop.set()
    with pytest.raises(StoppedError):
        list(blocks)


def two_tracks(path: Path, first: np.ndarray, second: np.ndarray, form: str = "s16", **metadata: str) -> Path:
    """Two mono tracks of PCM; `metadata` is the second's."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in range(2)]
        streams[1].metadata.update(metadata)
        for start in range(0, len(first), RATE):
            for stream, sound in zip(streams, (first, second), strict=True):
                samples = (sound[start : start + RATE] * 32767).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(samples[None, :], form, "mono")
                frame.rate, frame.pts = RATE, start
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


def test_a_track_that_there_is_not_is_an_option_at_fault(talk: Path) -> None:
    with pytest.raises(InvalidOptionError, match=r"no sound track 2: the recording has 1 sound track\.") as caught:
        plan(talk, tracks=[1, 2])
    assert caught.value.field == "tracks"


def test_the_tracks_that_were_asked_for_are_heard_and_nothing_is_said_of_the_others(
    tmp_path: Path, meeting: np.ndarray
) -> None:
    silence = np.zeros(len(meeting))
    recording = two_tracks(tmp_path / "two.mov", meeting, silence, language="eng")
    assert plan(recording, tracks=[2]).speech == 0
    heard = plan(recording, tracks=[1])
    assert heard.speech > 15 * RATE
    assert heard.warnings == ()


def test_what_is_left_out_is_said_in_a_sentence_that_names_the_option(tmp_path: Path, meeting: np.ndarray) -> None:
    recording = two_tracks(tmp_path / "two.mkv", meeting, meeting[::-1].copy(), language="eng")
    assert [(remark.code, remark.message) for remark in plan(recording).remarks] == [
        ("tracks_left_out", "Heard: sound track 1; left out: 2. The option `tracks` chooses others.")
    ]


def test_microphones_on_tracks_of_their_own_are_mixed_or_kept_separate(tmp_path: Path, meeting: np.ndarray) -> None:
    half = len(meeting) // 2
    first, second = meeting.copy(), meeting.copy()
    first[half:], second[:half] = 0, 0
    recording = two_tracks(tmp_path / "two.mov", first, second)
    assert plan(recording).speech == pytest.approx(plan(write_wav(tmp_path / "one.wav", meeting)).speech, rel=0.02)
    apart = plan(recording, channels="separate")
    assert (apart.channels, apart.warnings) == (2, ())
    assert {clip.channel for clip in apart.clips if clip.start < half - RATE} == {0}


def test_the_limit_counts_sound_whatever_the_header_or_a_pause_says(tmp_path: Path, meeting: np.ndarray) -> None:
    path = write_wav(tmp_path / "piped.wav", meeting)
    data = bytearray(path.read_bytes())
    data[40:44] = (0x7FFFF000).to_bytes(4, "little")
    path.write_bytes(data)
    assert plan(path, max_seconds=SECONDS + 1).truncated_at is None
    with pytest.raises(AudioTooLongError):
        plan(path, max_seconds=SECONDS - 1)


def test_an_error_that_nobody_foresaw_ends_the_reading_not_the_machine(
    talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Track.feed
    packets = 0

    def broken(track: Track, packet: object) -> Iterator[Piece]:
        nonlocal packets
        packets += 1
        if packets > 300:
            raise IndexError("tuple index out of range")
        return feed(track, packet)

    monkeypatch.setattr(Track, "feed", broken)
    read_until_then = plan(talk)
    assert "truncated" in read_until_then.warnings
    assert 0 < (read_until_then.truncated_at or 0) < SECONDS
    packets = 1000
    with pytest.raises(InvalidMediaError):
        plan(talk)


@pytest.mark.parametrize("voices", [2, 3, 5, 8])
def test_a_part_s_own_file_holds_the_very_samples_of_every_voice(
    tmp_path: Path, meeting: np.ndarray, voices: int
) -> None:
    stop = threading.Event()
    apart = np.stack([np.roll(meeting, voice * 300) * (1 - voice / 10) for voice in range(voices)], axis=1)
    recording = write_wav(tmp_path / "voices.wav", apart)
    options = Options.parse({"channels": "separate"}, ["any"])
    cut = make_plan(recording, options, max_seconds=600, stop=stop, part_seconds=8, alone_seconds=16)
    assert (cut.channels, len(cut.parts)) == (voices, 3)
    cut_parts(recording, cut, tmp_path)
    whole = np.concatenate(list(read(recording, cut.hearing, stop)[1]), axis=1)
    for part in cut.parts:
        own = np.concatenate(list(read(tmp_path / f"{part.index}.flac", VOICES, stop)[1]), axis=1)
        assert np.array_equal(own, whole[:, part.start : part.end])


@pytest.mark.parametrize("before", [b"", b"TAG" + bytes(125), bytes(500), b"APETAGEX" + bytes(24)])
def test_a_tag_with_a_cover_between_joined_files_is_no_lost_sound(tmp_path: Path, before: bytes) -> None:
    size = 300_000
    tag = b"ID3\x04\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + b"\xff\xd8" * (size // 2)
    data = MEETING.read_bytes()
    once, twice = plan(MEETING), plan(written(tmp_path / "twice.mp3", data + before + tag + data))
    assert twice.seconds == pytest.approx(2 * once.seconds, abs=0.2)
    assert twice.warnings == ()


def test_in_joined_files_the_track_that_was_asked_for_stays_the_same(tmp_path: Path, meeting: np.ndarray) -> None:
    silence = np.zeros(len(meeting))
    first = two_tracks(tmp_path / "first.mka", silence, meeting, language="eng").read_bytes()
    twice = plan(written(tmp_path / "twice.mka", first + first), tracks=[2])
    assert twice.seconds == pytest.approx(2 * SECONDS, abs=0.2)
    assert twice.speech == pytest.approx(2 * plan(tmp_path / "first.mka", tracks=[2]).speech, rel=0.02)


def test_a_thousand_files_joined_are_read_and_what_is_beyond_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = write_wav(tmp_path / "second.wav", np.zeros(RATE)).read_bytes()
    monkeypatch.setattr("services.gpu_worker.engine.audio.openings.MOST_OPENINGS", 20)
    assert plan(written(tmp_path / "few.wav", second * 20)).seconds == 20
    many = plan(written(tmp_path / "many.wav", second * 30))
    assert (many.truncated_at, many.seconds) == (21, 21)


def test_what_only_looks_like_the_beginning_of_a_file_costs_little(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "noise.wav", np.zeros(RATE))
    path.write_bytes(path.read_bytes() + b"RIFF\xff\xff\0\0WAVEfmt " * 100_000)
    began = time.process_time()
    assert plan(path).seconds == 1
    assert time.process_time() - began < 10


@pytest.mark.parametrize(("behind", "seconds"), [(b"sound", 26.0), (b"\0", 13.0), (b"LIST\x10\0\0\0INFO", 13.0)])
def test_sound_behind_a_stale_length_is_read_and_room_that_was_never_written_is_not(
    tmp_path: Path, talk: Path, behind: bytes, seconds: float
) -> None:
    data = bytearray(talk.read_bytes())
    half = 44 + (len(data) - 44) // 2
    data[40:44] = (half - 44).to_bytes(4, "little")
    tail = data[half:] if behind == b"sound" else behind * (30_000_000 // len(behind))
    began = time.process_time()
    read_whole = plan(written(tmp_path / "stale.wav", bytes(data[:half] + tail)))
    assert time.process_time() - began < 10
    assert read_whole.seconds == pytest.approx(seconds, abs=0.1)
    assert read_whole.warnings == ()


def test_damage_of_any_length_is_gone_on_behind(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 120 * RATE)
    whole = transcode(
        write_wav(tmp_path / "noise.wav", noise), tmp_path / "noise.ogg", codec="flac", rate=48000, form="s16"
    )
    data = bytearray(whole.read_bytes())
    hole = slice(len(data) // 4, len(data) * 3 // 4)
    assert hole.stop - hole.start > 2_000_000
    data[hole] = bytes(hole.stop - hole.start)
    damaged = plan(written(tmp_path / "hole.ogg", bytes(data)))
    assert damaged.seconds == pytest.approx(120, abs=0.2)
    assert "gaps" in damaged.warnings


def test_fragments_of_joined_recordings_are_read_each_once(tmp_path: Path, talk: Path) -> None:
    fragments = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "4000000"}
    once = transcode(talk, tmp_path / "once.mp4", codec="aac", rate=22050, form="fltp", **fragments)
    twice = plan(written(tmp_path / "twice.mp4", once.read_bytes() * 2))
    assert twice.seconds == pytest.approx(2 * plan(once).seconds, abs=0.1)
    assert twice.warnings == ()
