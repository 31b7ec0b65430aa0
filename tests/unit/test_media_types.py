"""What the API offers to take is what the engine opens."""

from __future__ import annotations

import re

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.api.schemas.jobs import NewJob
from services.common.domain.media_types import CONTAINERS, FORMAT_WHITELIST, UNKNOWN

PATTERN = NewJob.model_json_schema()["properties"]["content_type"]["anyOf"][0]["pattern"]
TYPES = [media_type for types in CONTAINERS.values() for media_type in types]


def accepted(content_type: str) -> bool:
    """Whether the API takes it; its schema must say the same."""
    try:
        NewJob(file_name="a", content_type=content_type)
    except ValidationError:
        taken = False
    else:
        taken = True
    assert taken == bool(re.fullmatch(PATTERN, content_type))
    return taken


@pytest.mark.parametrize("name", CONTAINERS)
def test_each_container_is_one_that_ffmpeg_reads_under_each_of_its_names(name: str) -> None:
    for alias in name.split(","):
        assert av.format.ContainerFormat(alias, "r").is_input
        assert alias in FORMAT_WHITELIST.split(",")
    assert name in av.formats_available


@pytest.mark.parametrize("media_type", [UNKNOWN, *TYPES])
def test_each_containers_media_types_are_taken_in_whatever_case_and_with_parameters(media_type: str) -> None:
    for written in (media_type, media_type.upper(), media_type.title(), f"{media_type};codecs=opus"):
        assert accepted(written), written


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "audio/webm;codecs=opus",
        'audio/webm; codecs="opus"',
        "video/webm;codecs=vp9,opus",
        'video/webm; codecs="vp8, opus"',
        "video/x-matroska;codecs=avc1",
        "video/mp4; codecs=avc1.42000a,mp4a.40.2",
        "audio/ogg ; codecs=opus",
        "audio/AMR",
        "audio/L16;rate=16000;channels=1",
        "video/MP2T",
        "audio/vnd.dolby.heaac.1",
        "audio/mpeg;",
        "Application/X-Matroska",
        "audio/" + "x" * 127,
        "audio/x;" + "y" * 201,
    ],
)
def test_what_browsers_phones_and_programs_send_is_taken(content_type: str) -> None:
    assert accepted(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        " ",
        "audio",
        "audio/",
        "audio/*",
        "audio/mpeg\n",
        "audio/mpeg;\r\nx-amz-acl: public-read",
        "audio/mpeg;a=\t",
        "audio/mpeg;a=\x7f",
        "audio/mpeg;a=å",
        "audio/mpeg;a=${filename}",
        "audio/mpeg;a=\\",
        "audio/${filename}",
        "audio/x$",
        "video/mp4;$",
        " audio/mpeg",
        "audio/mpeg ",
        "audio/mpeg; ",
        "audio/mpeg codecs=opus",
        "audio/" + "x" * 128,
        "audio/x;" + "y" * 202,
        "text/html",
        "image/png",
        "multipart/form-data",
        "application/",
        "application/pdf",
        "application/ogg2",
        "application/vndxms-asf",
        "application/vnd.apple.mpegurl",
    ],
)
def test_what_is_no_recording_or_would_not_reach_s3_as_it_is_is_refused(content_type: str) -> None:
    assert not accepted(content_type)


def test_no_checksum_is_taken_that_s3_would_read_more_into() -> None:
    checksum = "A" * 43 + "="
    NewJob(file_name="a", checksum_sha256=checksum)
    for place in range(len(checksum)):
        for hostile in ("$", "\\", "${filename}"):
            for rest in (checksum[place:], checksum[place + len(hostile) :]):
                with pytest.raises(ValidationError):
                    NewJob(file_name="a", checksum_sha256=checksum[:place] + hostile + rest)


@given(content_type=st.from_regex(PATTERN, fullmatch=True))
def test_what_the_schema_describes_is_taken_and_is_nothing_that_s3_expands_or_the_table_lacks(
    content_type: str,
) -> None:
    assert accepted(content_type)
    assert not set("$\\") & set(content_type)
    media_type = content_type.partition(";")[0].strip().lower()
    assert not media_type.startswith("application/") or media_type in {UNKNOWN, *TYPES}
