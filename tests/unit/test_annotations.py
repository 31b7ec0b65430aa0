"""A client's own words on a job: whatever is taken can be kept, repeated and printed, and nothing else is taken."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.api.schemas.fields import Metadata, Names, Reference
from services.common.domain.annotations import (
    MAX_METADATA_BYTES,
    MAX_NAMES_BYTES,
    MAX_REFERENCE_CHARACTERS,
    check_annotations,
)
from services.common.domain.errors import InvalidAnnotationError

_CHARACTERS = [chr(number) for number in range(sys.maxunicode + 1) if unicodedata.category(chr(number)) != "Cs"]
_TURNING = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
"""What Unicode calls the characters that embed, override or isolate a direction."""
_MARKS = ["\N{LEFT-TO-RIGHT MARK}", "\N{RIGHT-TO-LEFT MARK}", "\N{ARABIC LETTER MARK}"]
_CONTROLS = [
    *(one for one in _CHARACTERS if unicodedata.category(one) in {"Cc", "Zl", "Zp"}),
    *(one for one in _CHARACTERS if unicodedata.bidirectional(one) in _TURNING),
    *_MARKS,
]
_HALVES = [chr(number) for number in (0xD800, 0xDFFF)]
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="".join(_CONTROLS)), max_size=60)
_SCHEMAS: dict[str, TypeAdapter[Any]] = {
    "reference": TypeAdapter(Reference),
    "metadata": TypeAdapter(Metadata),
    "names": TypeAdapter(Names),
}
_NAME = st.tuples(_TEXT, st.characters(categories=["L", "N", "P"]), _TEXT).map("".join).map(str.strip)


@given(
    reference=_TEXT.filter(bool) | st.none(),
    metadata=st.dictionaries(_TEXT.filter(bool), _TEXT, max_size=4),
    names=st.lists(_NAME | st.none(), max_size=4),
    last=_NAME,
)
def test_printable_texts_are_taken_as_they_are(
    reference: str | None, metadata: dict[str, str], names: list[str | None], last: str
) -> None:
    fitting = {key[:40]: text for key, text in metadata.items()}
    given_ = {"reference": reference, "metadata": fitting, "names": [*names, last]}
    assert check_annotations(given_) == given_


@pytest.mark.parametrize("control", [*_CONTROLS, *_HALVES], ids=lambda text: f"{ord(text):#x}")
@pytest.mark.parametrize(
    "around",
    [
        lambda text: {"reference": f"a{text}"},
        lambda text: {"metadata": {f"{text}b": ""}},
        lambda text: {"names": ["a", f"a{text}"]},
    ],
)
def test_no_control_character_mark_of_direction_or_half_of_a_pair_is_taken_by_the_check_or_the_schema(
    control: str, around: Any
) -> None:
    with pytest.raises(InvalidAnnotationError) as refused:
        check_annotations(around(control))
    assert refused.value.field in around(control)
    ((field, words),) = around(control).items()
    with pytest.raises(ValidationError, match="without control characters"):
        _SCHEMAS[field].validate_python(words)


def test_every_other_character_is_taken_by_the_check_and_by_the_schema() -> None:
    others = [one for one in _CHARACTERS if one not in _CONTROLS]
    size = MAX_REFERENCE_CHARACTERS // 2
    texts = ["".join(others[start : start + size]) for start in range(0, len(others), size)]

    assert len(others) > 1_000_000
    for text in texts:
        annotations = {"reference": text, "metadata": {text: text}, "names": [f"a{text}a"]}
        assert check_annotations(annotations) == annotations
        for field, words in annotations.items():
            assert _SCHEMAS[field].validate_python(words) == words


def test_a_name_is_more_than_spaces_to_the_check_and_to_the_schema_whatever_the_space() -> None:
    spaces = [one for one in _CHARACTERS if one.isspace() and one not in _CONTROLS]

    assert len(spaces) == 17
    for space in spaces:
        assert check_annotations({"names": [f"{space}Bo{space}Ek{space}"]}) == {"names": [f"Bo{space}Ek"]}
        with pytest.raises(InvalidAnnotationError, match="1 to 80 characters"):
            check_annotations({"names": [space * 2]})
        with pytest.raises(ValidationError, match="Give a name"):
            _SCHEMAS["names"].validate_python([space * 2])


@pytest.mark.parametrize("unseen", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad"])
def test_a_name_is_more_than_what_nobody_can_see(unseen: str) -> None:
    assert check_annotations({"names": [f"Bo{unseen}"]}) == {"names": [f"Bo{unseen}"]}
    with pytest.raises(InvalidAnnotationError, match="1 to 80 characters"):
        check_annotations({"names": [unseen * 2, "Bo"]})
    with pytest.raises(ValidationError, match="Give a name"):
        _SCHEMAS["names"].validate_python([unseen * 2])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"reference": ""}, "1 to 80 characters"),
        ({"reference": "å" * 81}, "1 to 80 characters"),
        ({"reference": 7}, "1 to 80 characters"),
        ({"metadata": {"": "x"}}, "1 to 40 characters"),
        ({"metadata": {"k" * 41: "x"}}, "1 to 40 characters"),
        ({"metadata": {"nested": {"a": "b"}}}, "values are texts"),
        ({"metadata": {"number": 1}}, "values are texts"),
        ({"metadata": ["a"]}, "values are texts"),
        ({"names": "Bo"}, "a list of at most 50"),
        ({"names": {"S1": "Bo"}}, "a list of at most 50"),
        ({"names": ["a"] * 51}, "a list of at most 50"),
        ({"names": [""]}, "1 to 80 characters"),
        ({"names": ["å" * 81]}, "1 to 80 characters"),
        ({"names": [7]}, "1 to 80 characters"),
        ({"names": [["Bo"]]}, "1 to 80 characters"),
    ],
)
def test_what_is_wrong_is_refused_in_a_sentence_with_the_field_and_a_stable_code(
    wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidAnnotationError, match=says) as refused:
        check_annotations(wrong)
    assert ([refused.value.field], refused.value.code) == ([*wrong], "INVALID_ANNOTATION")


@pytest.mark.parametrize("letter", ["a", "å", "\N{GRINNING FACE}", '"'])
def test_metadata_may_have_so_many_bytes_as_compact_json_and_not_one_more(letter: str) -> None:
    def noted(spare: int) -> dict[str, str]:
        frame = len('{"k":"","pad":""}')
        size = len(json.dumps(letter, ensure_ascii=False).encode()) - 2
        whole, rest = divmod(MAX_METADATA_BYTES - frame + spare, size)
        return {"k": letter * whole, "pad": "." * rest}

    assert check_annotations({"metadata": noted(0)}) == {"metadata": noted(0)}
    with pytest.raises(InvalidAnnotationError, match="2049 bytes"):
        check_annotations({"metadata": noted(1)})


def test_names_may_have_so_many_bytes_as_compact_json_and_not_one_more() -> None:
    names = ["\N{GRINNING FACE}" * 80] * 12
    left = MAX_NAMES_BYTES - len(json.dumps(names, ensure_ascii=False, separators=(",", ":")).encode()) - len(',""')
    fitting = [*names, "\N{GRINNING FACE}" * (left // 4) + "a" * (left % 4)]

    assert check_annotations({"names": fitting}) == {"names": fitting}
    with pytest.raises(InvalidAnnotationError, match="4097 bytes"):
        check_annotations({"names": [*fitting[:-1], fitting[-1] + "a"]})


def test_a_place_without_a_name_keeps_the_others_in_theirs_and_says_nothing_at_the_end() -> None:
    assert check_annotations({"names": [None, "Bo", None, None]}) == {"names": [None, "Bo"]}
    assert check_annotations({"names": [None]}) == {"names": []}


def test_null_removes_and_what_is_left_out_stays() -> None:
    removed: dict[str, Any] = {"reference": None, "metadata": {}, "names": []}
    assert check_annotations(dict.fromkeys(removed)) == removed
    assert check_annotations({"reference": "a"}) == {"reference": "a"}
    assert check_annotations({}) == {}
