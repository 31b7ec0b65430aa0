"""Which recordings browsers play as they are: only what every one of them plays, on the clock of the words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.media_types import CONTAINERS
from services.gpu_worker.engine.audio.appearance import Appearance
from services.gpu_worker.engine.audio.playable import Played, is_played, is_played_as_read, media_type

MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
SPEECH = Appearance(
    container=MP4,
    brand="M4A",
    codec="aac",
    profile="LC",
    rate=44_100,
    channels=2,
    sound_tracks=1,
    pictures=(),
    begins=0.0,
    seconds=60.0,
    seekable=True,
)
WELL = Played(whole=True, lost=0.0, seconds=60.0)


def wav(**more: Any) -> Appearance:
    return replace(SPEECH, **{"container": "wav", "brand": "", "codec": "pcm_s16le", "profile": "", **more})


@pytest.mark.parametrize(
    "seen",
    [
        SPEECH,
        replace(SPEECH, brand="isom", pictures=("h264 yuv420p",)),
        wav(),
        wav(codec="pcm_u8", rate=8_000, channels=1),
        wav(container="mp3", codec="mp3float", begins=0.025),
        wav(container="flac", codec="flac"),
    ],
)
def test_what_all_browsers_play_is_played_as_it_is(seen: Appearance) -> None:
    assert is_played(seen)
    assert is_played_as_read(seen, WELL)


@pytest.mark.parametrize(
    "seen",
    [
        replace(SPEECH, brand="qt"),
        replace(SPEECH, brand="3gp4"),
        replace(SPEECH, codec="alac", profile=""),
        replace(SPEECH, codec="amrnb", profile=""),
        replace(SPEECH, profile="HE-AAC"),
        replace(SPEECH, pictures=("hevc yuv420p",)),
        replace(SPEECH, pictures=("h264 yuv422p10le",)),
        replace(SPEECH, pictures=("h264 yuv420p",) * 2),
        replace(SPEECH, sound_tracks=2),
        replace(SPEECH, channels=6),
        replace(SPEECH, channels=0),
        replace(SPEECH, rate=96_000),
        replace(SPEECH, begins=4.0),
        replace(SPEECH, seekable=False),
        replace(SPEECH, seconds=None),
        replace(SPEECH, container="matroska,webm", codec="opus"),
        wav(codec="pcm_alaw"),
        wav(codec="pcm_s24le"),
        wav(container="ogg", codec="vorbis"),
        wav(container="amr", codec="amrnb"),
        wav(container="asf", codec="wmav2"),
        wav(container="aac", codec="aac", profile="LC"),
        wav(container="mp3", codec="mp2float"),
        wav(container="mpegts", codec="aac", profile="LC"),
    ],
)
def test_what_one_browser_may_not_play_is_not(seen: Appearance) -> None:
    assert not is_played(seen)
    assert not is_played_as_read(seen, WELL)


@pytest.mark.parametrize(
    "played",
    [replace(WELL, whole=False), replace(WELL, lost=0.5), replace(WELL, seconds=70.0), replace(WELL, seconds=50.0)],
)
def test_what_is_wrong_inside_is_not_played_as_it_is_however_well_it_looks(played: Played) -> None:
    assert is_played(SPEECH)
    assert not is_played_as_read(SPEECH, played)


@pytest.mark.parametrize("container", [*CONTAINERS, "unknown"])
@pytest.mark.parametrize("pictures", [(), ("h264 yuv420p",)])
def test_no_media_type_is_one_that_a_browser_runs_or_shows_as_a_page(container: str, pictures: tuple[str]) -> None:
    kind = media_type(replace(SPEECH, container=container, pictures=pictures))
    assert kind.startswith(("audio/", "video/")) or kind in {"application/mxf", "application/octet-stream"}


def test_pictures_make_it_a_video() -> None:
    assert media_type(SPEECH) == "audio/mp4"
    assert media_type(replace(SPEECH, pictures=("hevc yuv420p",))) == "video/mp4"
    assert media_type(wav(container="mp3")) == "audio/mpeg"
