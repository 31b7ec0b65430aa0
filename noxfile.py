"""The sessions of nox: `./nox --list` shows them; begin with `./nox -s demo` and `./nox -s tests`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import nox

nox.needs_version = ">=2026.10"  # `requires`, and sessions side by side
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "imports", "tests"]

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
SUPPORTED = ("3.11", "3.13")
"""The oldest and the newest supported Python. All tests run with the Python that runs this file."""
OTHER = [version for version in SUPPORTED if version != HERE]
ROOMS = ("tests/unit", "tests/integration", "tests/e2e")
_OF_AN_INTERPRETER = (
    *("api_callbacks", "api_jobs", "api_refusals", "cli", "example_receivers", "log_shipping"),
    *("engine_options", "engine_processes", "speech_detection"),
    *("media", "media_broken", "media_tracks", "models", "speaker_models"),
)
ELSEWHERE = (
    "tests/unit",
    *(f"tests/integration/test_{name}.py" for name in _OF_AN_INTERPRETER),
)
"""The tests whose outcome may depend on the interpreter: those of the language and its library, of compiled packages
(the engine, the reading of media, the API's models), of processes and of sockets. The order of calls to AWS is the same
on every interpreter."""
OF_FILES = tuple(f"--ignore-glob=tests/unit/test_{name}.py" for name in ("docu*", "terraform_*", "workflows"))
"""Left out there: tests of documents, Terraform's files and workflows, which no interpreter changes."""
LAMBDA_PYTHON = "3.13"
SIDE_BY_SIDE = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")
"""One more process than the project's machines have cores, since systems often wait, above all for leases; with four or
six it is no faster, and tests wait for the processor. All tests of a file run in one process, which has a stack and
ports of its own; tests/conftest.py puts the longest first."""
TWO_AT_A_TIME = (*SIDE_BY_SIDE, "-n", "2")
"""For tests that compute all the time, and for those that measure seconds."""
MACHINE_PACKAGES = {
    "debootstrap": "debootstrap",
    "systemd-container": "systemd-nspawn",
    "packer": "packer",
    "dnsmasq-base": "dnsmasq",
}
RECORDING_PACKAGES = {"ffmpeg": "ffmpeg"}
VOICE_PACKAGES = {
    "flite": "flite",
    "festival": "festival",
    "festvox-kdlpc16k": "/usr/share/festival/voices/english/ked_diphone",
    "espeak-ng": "espeak-ng",
}
BROWSER_PACKAGES = {"chromium": "chromium", "firefox-esr": "firefox-esr", "pulseaudio": "pulseaudio"}
APT_FAILED = 100
BURST_SECONDS = 600
"""How long the burst may take; on two cores it took 185 s, beside other work."""
TIMED = "tests/e2e/test_system.py::test_upload_to_verified_webhook_takes_at_most_five_seconds"
"""This test's limit is for a system that runs at its usual speed, not for one whose coverage is measured."""
EXTRAS = ("api", "orchestrator", "gpu_worker", "cuda", "cli", "local")

# pyenv keeps its interpreters outside of PATH.
for folder in sorted(Path.home().glob(".pyenv/versions/3.1[1-3]*/bin")):
    os.environ["PATH"] += os.pathsep + str(folder)


def install(session: nox.Session, requirements: str = "dev") -> None:
    """Install the packages of a pinned requirement file, and no others."""
    session.install("--require-hashes", "-r", f"requirements/{requirements}.txt")


def may_install() -> bool:
    """Whether Debian packages can be installed on this machine."""
    return os.geteuid() == 0 and Path("/etc/debian_version").exists()


def install_programs(session: nox.Session, packages: dict[str, str], success_codes: Sequence[int] = (0,)) -> None:
    """Install the Debian packages whose program, or folder, this machine lacks."""
    missing = [name for name, found in packages.items() if shutil.which(found) is None and not Path(found).exists()]
    if missing:
        session.run("apt-get", "update", "-q", external=True)
        session.run(
            "apt-get", "install", "-yq", "--no-install-recommends", *missing, external=True, success_codes=success_codes
        )


@nox.session
def lint(session: nox.Session) -> None:
    """Check rules and format with Ruff."""
    install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy in strict mode."""
    install(session)
    session.run("mypy")


@nox.session
def imports(session: nox.Session) -> None:
    """Check with import-linter which packages import which others."""
    install(session)
    session.run("lint-imports")


@nox.session
def hooks(session: nox.Session) -> None:
    """Check every commit in this clone before it is made, from now on; `-- uninstall` ends that."""
    install(session, "pre-commit")
    session.run("pre-commit", *(session.posargs or ["install"]))


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests; `-- FILE…` runs only those, and any arguments of pytest work, such as `-- FILE -k WORD --pdb`."""
    install(session)
    if session.posargs:
        session.run("python", "-m", "pytest", *session.posargs)
        return
    if may_install():
        install_programs(session, RECORDING_PACKAGES)
        if shutil.which("google-chrome") is None:
            # Ubuntu has no such package; there the browser's tests are left out.
            install_programs(session, BROWSER_PACKAGES, success_codes=(0, APT_FAILED))
    wanted = ("uv", "python", "find", "--no-project", LAMBDA_PYTHON)
    if not session.run(*wanted, silent=True, success_codes=range(3)):
        session.run("uv", "python", "install", LAMBDA_PYTHON, success_codes=range(3))
    session.run("python", "-m", "pytest", *ROOMS, *SIDE_BY_SIDE, "-m", "not alone")
    session.run("python", "-m", "pytest", *ROOMS, *TWO_AT_A_TIME, "-m", "alone")
    for version in OTHER:
        session.notify(f"elsewhere-{version}")


@nox.session(python=OTHER)
def elsewhere(session: nox.Session) -> None:
    """Run the tests whose outcome may depend on the interpreter, with the other supported Pythons."""
    install(session)
    everything = (*ELSEWHERE, *OF_FILES, *TWO_AT_A_TIME, "-m", "not alone")
    session.run("python", "-m", "pytest", *(session.posargs or everything))


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure the tests' coverage in every process of the local stack; the least covered files are listed first."""
    install(session)
    session.run("coverage", "erase")
    measured = ("coverage", "run", "-m", "pytest", *ROOMS, "--timeout=900")  # measured tests are slower
    session.run(*measured, *SIDE_BY_SIDE, "-m", "not alone")
    session.run(*measured, f"--deselect={TIMED}", "-m", "alone")
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed, accuracy and memory beside the plain library's: `./nox -s bench [-- long --runs 3]`, two hours."""
    if not session.posargs or ("speakers" in session.posargs and "--folder" not in session.posargs):
        if not may_install():
            session.warn("The dialogues' voices are those of: " + ", ".join(VOICE_PACKAGES))
        else:
            install_programs(session, VOICE_PACKAGES)
    install(session)
    session.run("python", "-m", "tests.bench", *session.posargs)


@nox.session
def hostile(session: nox.Session) -> None:
    """Test webhook receivers that misbehave, with the real deadline of 15 s, one by one and in a burst."""
    install(session)
    session.run(
        *("python", "-m", "pytest", "-s", "tests/integration/test_hostile_receivers.py", "tests/hostile"),
        *session.posargs,
        env={"HOSTILE_DEADLINE_SECONDS": "15"},
    )


@nox.session(requires=["checkov"])
def terraform(session: nox.Session) -> None:
    """Run Terraform's own checks (format, validity of root and examples, tests with a mocked provider), and checkov."""
    install(session)
    rc = session.run("python", "-m", "tools.terraform_mirror", "build", silent=True).strip()
    session.env["TF_CLI_CONFIG_FILE"] = rc
    session.run("terraform", "fmt", "-check", "-recursive", "terraform", external=True)
    for folder in ("terraform", "terraform/examples/minimal", "terraform/examples/complete"):
        session.run("terraform", f"-chdir={folder}", "init", "-backend=false", "-input=false", external=True)
        session.run("terraform", f"-chdir={folder}", "validate", external=True)
    session.run("terraform", "-chdir=terraform", "test", external=True)


@nox.session
def provider(session: nox.Session) -> None:
    """Try Terraform's files with the newest provider, or the newest of a major version: `./nox -s provider [-- 6]`."""
    install(session)
    session.run("python", "-m", "tools.provider_trial", *session.posargs)


@nox.session
def checkov(session: nox.Session) -> None:
    """Check security rules for Terraform; each rule that is skipped has its reason beside it."""
    install(session, "checkov")
    asked = ("--directory", "terraform", "--framework", "terraform", "--compact", "--quiet", "--skip-download")
    told = session.run("checkov", *asked, silent=True)
    session.log(told)
    if "Parsing errors" in told:
        session.error("checkov left out a file that it could not read; LOG_LEVEL=DEBUG shows which.")


@nox.session
def e2e(session: nox.Session) -> None:
    """Apply, use and destroy a deployment in the emulator, with the real packages; prints the table of privileges."""
    install(session)
    session.run("python", "-m", "pytest", "-s", "tests/e2e/test_deployment.py", *session.posargs)


@nox.session
def baseline(session: nox.Session) -> None:
    """Write what a deployment of this release holds to tests/baselines/VERSION.json, for the test of upgrades."""
    install(session)
    session.run("python", "-m", "tests.baselines")


@nox.session
def package(session: nox.Session) -> None:
    """Build dist/api.zip, dist/orchestrator.zip and dist/worker.tar.gz, with the same bytes each time."""
    install(session)
    session.run("python", "-m", "tools.package")
    session.run("python", "-m", "tools.models", "record", "--if-reachable")


@nox.session
def crash_matrix(session: nox.Session) -> None:
    """Disturb every scenario at every AWS call that it makes; prints a table, writes reports/crash_matrix.json."""
    install(session)
    session.run("python", "-m", "tests.crash.matrix", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Put mistakes into the code, one at a time, and list those that no test notices: `./nox -s mutants [-- PATH…]`."""
    install(session)
    session.run("python", "-m", "tests.mutation", *session.posargs)


def install_ffmpeg(session: nox.Session) -> None:
    """Install FFmpeg's program, or end the session where that is not possible."""
    if shutil.which("ffmpeg") is None and not may_install():
        session.error("Left out: this needs ffmpeg, which it installs itself for root on Debian or Ubuntu.")
    install_programs(session, RECORDING_PACKAGES)


@nox.session
def peers(session: nox.Session) -> None:
    """Compare the engine with WhisperX and others, in an environment of 7 GB: `./nox -s peers [-- --runs 5]`."""
    install_ffmpeg(session)  # WhisperX reads recordings with it.
    install(session, "peers")
    session.run("python", "-m", "tests.peers", *session.posargs)


@nox.session
def recordings(session: nox.Session) -> None:
    """Read recordings of every kind, whole and broken, and check the sound: `./nox -s recordings [-- --only KIND]`."""
    install_ffmpeg(session)
    install(session)
    session.run("python", "-m", "tests.recordings", *session.posargs)


@nox.session
def outages(session: nox.Session) -> None:
    """Let each service of AWS fail in five ways, under real workers: `./nox -s outages [-- --seconds 20]`."""
    install(session)
    session.run("python", "-m", "tests.outages", *session.posargs)


@nox.session
def mixture(session: nox.Session) -> None:
    """Send two hundred files of two clients, every tenth broken in another way: the others are done. Two minutes."""
    install_ffmpeg(session)
    install(session)
    session.run("python", "-m", "tests.mixture", *session.posargs)


@nox.session
def burst(session: nox.Session) -> None:
    """Upload ten thousand files at once: none is lost or done twice; prints seconds, calls a job and memory."""
    install(session)
    session.log(f"It may take {BURST_SECONDS} s.")
    session.run(
        *("python", "-m", "pytest", "-s", "--timeout", str(BURST_SECONDS), "tests/integration/test_burst.py"),
        *session.posargs,
        env={"BURST": "10000"},
    )


@nox.session
def chaos(session: nox.Session) -> None:
    """Kill real workers with the real model at random moments."""
    install(session)
    session.run(
        *("python", "-m", "pytest", "--timeout", "1800", "tests/e2e/test_chaos.py"),
        *session.posargs,
        env={"CHAOS_MODEL": "real"},
    )


@nox.session
def api_fuzz(session: nox.Session) -> None:
    """Run Schemathesis over the API's whole schema: all checks, stateful runs by links, 100 examples an operation."""
    install(session)
    session.run("python", "-m", "tests.fuzz", *session.posargs)


@nox.session
def clients(session: nox.Session) -> None:
    """Generate clients in Python and TypeScript from the API's document, check their types, use them; lint it."""
    install(session)
    session.run("python", "-m", "tests.clients")


@nox.session
def machine(session: nox.Session) -> None:
    """Test the machine in a container: provisioned by the image's scripts, booted by systemd, ended in every way."""
    if not may_install():
        session.error("Left out: this needs root and Debian or Ubuntu, for debootstrap and systemd-nspawn.")
    install_programs(session, MACHINE_PACKAGES)
    install(session)
    session.run("python", "-m", "pytest", "-s", *(session.posargs or ["tests/machine"]))


@nox.session
def image(session: nox.Session) -> None:
    """Build the deployment's image in its AWS account: `./nox -s image [-- -var models=…]`; needs Packer."""
    install(session)
    session.run("python", "-m", "tools.package")
    session.run("python", "-m", "tools.images", "build", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Send a recording through the whole system on this machine: `./nox -s demo [-- --open FILE…]`."""
    install(session, "local")
    command = ("python", "-m", "services.local.demo", "--folder", session.invoked_from, *session.posargs)
    session.run(*command, interrupt_timeout=None)


@nox.session
def local(session: nox.Session) -> None:
    """Run the whole system on this machine until Ctrl-C: `./nox -s local [-- FOLDER]`; with a folder it keeps all."""
    install(session, "local")
    command = ("python", "-m", "services.cli.main", "local", *session.posargs)
    with session.chdir(session.invoked_from):
        # nox would kill it half a second after Ctrl-C; it takes as long as the last of it takes to be kept.
        session.run(*command, env={"PYTHONPATH": str(Path(__file__).parent)}, interrupt_timeout=None)


@nox.session
def screenshots(session: nox.Session) -> None:
    """Take the pictures of the page that stand in docs/images anew."""
    install_programs(session, BROWSER_PACKAGES)
    install(session)
    session.run("python", "-m", "tools.screenshots", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Pin every extra with hashes in requirements/, all at the versions of `dev`; `-- --upgrade` raises the pins."""
    session.install("uv")

    def compile_(*arguments: str) -> None:
        session.run(
            *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
            *("--generate-hashes", "--no-header", "--no-emit-package", "gpu-transcriber"),
            *arguments,
            *session.posargs,
        )

    compile_("pyproject.toml", "--extra", "dev", "--extra", "cuda", "-o", "requirements/dev.txt")
    for extra in EXTRAS:
        compile_(
            *("pyproject.toml", "--extra", extra),
            *("-c", "requirements/dev.txt", "-o", f"requirements/{extra}.txt"),
        )
    compile_("requirements/nox.in", "-o", "requirements/nox.txt")
    compile_("requirements/uv.in", "-c", "requirements/dev.txt", "-o", "requirements/uv.txt")
    compile_("requirements/checkov.in", "-o", "requirements/checkov.txt")
    compile_("requirements/pre-commit.in", "-o", "requirements/pre-commit.txt")
    compile_("requirements/clients.in", "-o", "requirements/clients.txt")
    compile_("requirements/aws.in", "-o", "requirements/aws.txt")
    # Without `-c`: WhisperX needs older versions of two packages than `dev` has.
    compile_("pyproject.toml", "--extra", "gpu_worker", "requirements/peers.in", "-o", "requirements/peers.txt")
