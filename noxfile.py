"""What can be run: `./nox --list` shows it, `./nox -s demo` and `./nox -s tests` are where to begin."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "imports", "tests"]

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
# The oldest and the newest supported Python, and whichever runs this file, first: a machine has that one for certain.
PYTHONS = [HERE, *[version for version in ("3.11", "3.13") if version != HERE]]
MACHINE_PACKAGES = {"debootstrap": "debootstrap", "systemd-container": "systemd-nspawn", "packer": "packer"}
EXTRAS = ("api", "orchestrator", "gpu_worker", "cuda", "cli", "local")

# pyenv keeps interpreters where nothing looks for them.
for folder in sorted(Path.home().glob(".pyenv/versions/3.1[1-3]*/bin")):
    os.environ["PATH"] += os.pathsep + str(folder)


def install(session: nox.Session, requirements: str = "dev") -> None:
    """Install a pinned requirement file, and nothing that is not in it."""
    session.install("--require-hashes", "-r", f"requirements/{requirements}.txt")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff, rules and format."""
    install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict."""
    install(session)
    session.run("mypy")


@nox.session
def imports(session: nox.Session) -> None:
    """The walls between the rooms."""
    install(session)
    session.run("lint-imports")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Everything: unit and integration on each Python, end to end and the crash matrix in short on the first."""
    install(session)
    paths = ["tests/unit", "tests/integration"]
    if session.python == HERE:
        paths.append("tests/e2e")
    else:
        # The order of calls to AWS, which the matrix disturbs, is no other on another Python: once is enough.
        paths.append("--ignore=tests/integration/test_crash_matrix.py")
    session.run("python", "-m", "pytest", *(session.posargs or [*paths, "-m", with_what_is_here(session)]))


def with_what_is_here(session: nox.Session) -> str:
    """Pytest's expression for the tests whose programs are on this machine; all of them in CI."""
    markers = nox.project.load_toml("pyproject.toml")["tool"]["pytest"]["ini_options"]["markers"]
    proofs = dict(marker.split(": ", 1) for marker in markers)
    missing = [tool for tool in proofs if shutil.which(tool) is None and "CI" not in os.environ]
    for tool in missing:
        session.warn(f"{tool} is not on PATH, so this is left out: {proofs[tool]}.")
    return " and ".join(f"not {tool}" for tool in missing)


@nox.session
def bench(session: nox.Session) -> None:
    """Speed, accuracy and memory beside the plain library's: `./nox -s bench [-- long --runs 3]`. Some 40 minutes."""
    install(session)
    session.run("python", "-m", "tests.bench", *session.posargs)


@nox.session
def hostile(session: nox.Session) -> None:
    """Receivers that misbehave, against the real deadline of 15 s, one by one and in a burst; prints the figures."""
    install(session)
    session.run(
        *("python", "-m", "pytest", "-s", "tests/integration/test_hostile_receivers.py", "tests/hostile"),
        *session.posargs,
        env={"HOSTILE_DEADLINE_SECONDS": "15"},
    )


@nox.session
def terraform(session: nox.Session) -> None:
    """Terraform's own checks: format, validity of root and examples, tests against a mocked provider, checkov."""
    install(session)
    rc = session.run("python", "-m", "tools.terraform_mirror", "build", silent=True).strip()
    session.env["TF_CLI_CONFIG_FILE"] = rc
    session.run("terraform", "fmt", "-check", "-recursive", "terraform", external=True)
    for folder in ("terraform", "terraform/examples/minimal", "terraform/examples/complete"):
        session.run("terraform", f"-chdir={folder}", "init", "-backend=false", "-input=false", external=True)
        session.run("terraform", f"-chdir={folder}", "validate", external=True)
    session.run("terraform", "-chdir=terraform", "test", external=True)
    session.notify("checkov")


@nox.session
def checkov(session: nox.Session) -> None:
    """Security rules for Terraform; what is skipped says why in its place."""
    install(session, "checkov")
    session.run(
        "checkov", "--directory", "terraform", "--framework", "terraform", "--compact", "--quiet", "--skip-download"
    )


@nox.session
def e2e(session: nox.Session) -> None:
    """Apply, use and destroy against the emulator with what is deployed; prints the table of privileges."""
    install(session)
    session.run("python", "-m", "pytest", "-s", "tests/e2e/test_deployment.py", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """What is deployed: dist/api.zip, dist/orchestrator.zip, dist/worker.tar.gz, the same to the byte each time."""
    install(session)
    session.run("python", "-m", "tools.package")


@nox.session
def crash_matrix(session: nox.Session) -> None:
    """Every scenario, disturbed at every AWS call it makes: prints a table, writes reports/crash_matrix.json."""
    install(session)
    session.run("python", "-m", "tests.crash.matrix", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Mistakes in conditions, guards and counters, and which the tests notice: `./nox -s mutants [-- PATH…]`."""
    install(session)
    session.run("python", "-m", "tests.mutation", *session.posargs)


@nox.session
def burst(session: nox.Session) -> None:
    """Ten thousand uploads at once: none lost, none twice; prints seconds, calls a job and memory."""
    install(session)
    session.run(
        *("python", "-m", "pytest", "-s", "--timeout", "1800", "tests/integration/test_burst.py"),
        *session.posargs,
        env={"BURST": "10000"},
    )


@nox.session
def chaos(session: nox.Session) -> None:
    """Real workers with the real model, killed at random moments."""
    install(session)
    session.run(
        *("python", "-m", "pytest", "--timeout", "1800", "tests/e2e/test_chaos.py"),
        *session.posargs,
        env={"CHAOS_MODEL": "real"},
    )


@nox.session
def api_fuzz(session: nox.Session) -> None:
    """Schemathesis over the API's whole schema: all checks, links for stateful runs, 100 examples an operation."""
    install(session)
    session.run("python", "-m", "tests.fuzz", *session.posargs)


@nox.session
def machine(session: nox.Session) -> None:
    """The machine in a container: provisioned by the image's scripts, booted by systemd, and ended in every way."""
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        session.error("Left out: this needs root and Debian or Ubuntu, for debootstrap and systemd-nspawn.")
    missing = [package for package, program in MACHINE_PACKAGES.items() if shutil.which(program) is None]
    if missing:
        session.run("apt-get", "update", "-q", external=True)
        session.run("apt-get", "install", "-yq", "--no-install-recommends", *missing, external=True)
    install(session)
    session.run("python", "-m", "pytest", "-s", *(session.posargs or ["tests/machine"]))


@nox.session
def image(session: nox.Session) -> None:
    """Build the machine's image in an AWS account: `./nox -s image [-- -var region=…]`; needs Packer."""
    install(session)
    session.run("python", "-m", "tools.package")
    digest = hashlib.sha256(Path("dist/worker.tar.gz").read_bytes()).hexdigest()
    commit = session.run("git", "rev-parse", "HEAD", external=True, silent=True).strip()
    session.run("packer", "init", "packer", external=True)
    tags = ("-var", f"artifact_sha256={digest}", "-var", f"commit={commit}")
    session.run("packer", "build", *tags, *session.posargs, "packer", external=True)


@nox.session
def demo(session: nox.Session) -> None:
    """A recording through the whole system on this machine: `./nox -s demo [-- FILE…]`."""
    install(session, "local")
    session.run("python", "-m", "services.local.demo", "--folder", session.invoked_from, *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Pin every extra with hashes in requirements/; the rest follows what `dev` resolved to."""
    session.install("uv")

    def compile_(*arguments: str) -> None:
        session.run(
            *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
            *("--generate-hashes", "--no-header", "--no-emit-package", "gpu-transcriber"),
            *arguments,
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
