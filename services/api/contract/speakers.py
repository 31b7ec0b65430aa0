"""How many speakers are expected, as requests give it and replies show it: a word, a number or an object."""

from __future__ import annotations

from typing import Any

from services.common.domain.speakers import AUTO, MOST_SPEAKERS, OFF

_NUMBER = {"type": "integer", "minimum": 1, "maximum": MOST_SPEAKERS}
_BOUNDS = {
    "type": "object",
    "description": "Bounds of how many speakers there are; `at_most` is not less than `at_least`.",
    "properties": {
        "at_least": {
            **_NUMBER,
            "description": "Voices are told apart more finely, but nobody is invented: fewer found is a warning.",
        },
        "at_most": {**_NUMBER, "description": "Without `at_least`, fewer found is a warning."},
    },
    "minProperties": 1,
    "additionalProperties": False,
    "examples": [{"at_least": 2, "at_most": 4}],
}


def schemas() -> dict[str, dict[str, Any]]:
    """The schemas by name. A library's own would be a union, whose refusals no client understands."""
    return {
        "SpeakerBounds": _BOUNDS,
        "Speakers": {
            "description": f"How many speakers are told apart, in each channel if `channels` are `separate`: `{OFF}`, "
            f"none are; `{AUTO}`, as many as are heard; a number, at most so many; an object, at least or at most so "
            "many.",
            "oneOf": [
                {"type": "string", "enum": [OFF, AUTO]},
                _NUMBER,
                {"$ref": "#/components/schemas/SpeakerBounds"},
            ],
        },
    }
