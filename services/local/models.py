"""Which model a system on this machine uses: the packaged one, one of the hub, or one in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.common.domain.errors import TranscriberError
from services.gpu_worker.engine.decode.catalogue import PACKAGED, SPEAKERS
from services.gpu_worker.engine.decode.model_files import default_cache, locate, place, relative

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from services.gpu_worker.engine.decode.model_files import ModelFiles

PRODUCTION = "KBLab/kb-whisper-small"
"""The default model of a deployment."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a model."""
    parser.add_argument(
        "--model", metavar="KEY", help=f"such as {PRODUCTION}, which the hub gives; without one, {PACKAGED}"
    )
    parser.add_argument(
        "--models-folder", type=Path, help=f"where the model lies in CTranslate2's form; without KEY, {PRODUCTION}"
    )


def model_of(chosen: argparse.Namespace, folder: Path) -> ModelFiles:
    """The chosen model, checked; one of the hub is fetched now, while the user can see that.

    Args:
        chosen: the options.
        folder: in which the user stands.

    Raises:
        TranscriberError: there is no such model, or it cannot be got.

    """
    key = chosen.model or (PACKAGED if chosen.models_folder is None else PRODUCTION)
    return locate(key, place(folder / chosen.models_folder, key) if chosen.models_folder else None)


def made_for_speakers(say: Callable[[str], None]) -> bool:
    """Make the models that tell speakers apart, if this machine has none; False if it cannot.

    `say`: tells the user that it takes a while, or why it cannot be done.
    """
    if not (default_cache() / relative(SPEAKERS)).exists():
        say("The models that tell speakers apart are made now, once; 81 MB are fetched for that.")
    try:
        locate(SPEAKERS)
    except TranscriberError as error:
        say(f"{error} Jobs with `speakers` are refused until the next start.")
        return False
    return True


def introduced(model: ModelFiles) -> str:
    """What the user may expect of a model, as a sentence."""
    if model.key != PACKAGED:
        return f"The model is {model.key}, revision {model.revision}, in {model.folder}."
    return (
        f"The model is {PACKAGED}, which is small enough to come as a package: its Swedish is rough, about every third "
        f"word is wrong. Production uses {PRODUCTION}, with about one in fourteen."
    )
