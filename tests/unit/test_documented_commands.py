"""Every command of README and docs is one that there is, and runs in a test if it can run here."""

from __future__ import annotations

import ast
import importlib.util
import re

import pytest

from tests.support.documented_commands import Documented, NotUnderstoodError, documented, path_of
from tests.support.documents import text_of

LIST = documented()
CLIENTS, CALLBACKS = "tests/integration/test_client_commands.py", "tests/integration/test_cli_callbacks.py"
OPERATORS, DEPLOYED = "tests/integration/test_cli.py", "tests/e2e/test_deployment.py"
WORDS, DEFAULTS = "tests/integration/test_client_vocabularies.py", "tests/integration/test_cli_clients.py"
EXAMPLES, GENERATED = "tests/e2e/test_api_examples.py", "tests/clients/generated.py"
MEASURES = "measures for minutes, and its figures are of the machine that it runs on"
RUNS = {
    "transcribe": "tests/unit/test_command_table.py",
    "transcribe callbacks": CALLBACKS,
    "transcribe callbacks add": CALLBACKS,
    "transcribe callbacks enable": CALLBACKS,
    "transcribe callbacks rotate": CALLBACKS,
    "transcribe callbacks update": CALLBACKS,
    "transcribe cancel": CLIENTS,
    "transcribe cleanup": "tests/integration/test_cleanup.py",
    "transcribe clients": DEFAULTS,
    "transcribe clients list": OPERATORS,
    "transcribe clients set": DEFAULTS,
    "transcribe clients show": DEFAULTS,
    "transcribe cost": "tests/integration/test_cli_cost.py",
    "transcribe deliveries": CLIENTS,
    "transcribe doctor": "tests/integration/test_doctor.py",
    "transcribe erase": CLIENTS,
    "transcribe events": "tests/integration/test_cli_events.py",
    "transcribe jobs": CLIENTS,
    "transcribe keys": OPERATORS,
    "transcribe keys create": OPERATORS,
    "transcribe keys list": OPERATORS,
    "transcribe listen": "tests/integration/test_cli_listen.py",
    "transcribe local": "tests/e2e/test_serve.py",
    "transcribe login": "tests/integration/test_login.py",
    "transcribe logout": "tests/integration/test_login.py",
    "transcribe machines": OPERATORS,
    "transcribe open": CLIENTS,
    "transcribe operator": OPERATORS,
    "transcribe operator callbacks": OPERATORS,
    "transcribe operator callbacks list": OPERATORS,
    "transcribe operator jobs": OPERATORS,
    "transcribe operator jobs cancel": OPERATORS,
    "transcribe operator jobs list": OPERATORS,
    "transcribe operator jobs retry": OPERATORS,
    "transcribe redeliver": CLIENTS,
    "transcribe rename": "tests/integration/test_client_renaming.py",
    "transcribe retry": CLIENTS,
    "transcribe send": "tests/e2e/test_resumed_upload.py",
    "transcribe show": "tests/e2e/test_command_line.py",
    "transcribe stages": OPERATORS,
    "transcribe vocabularies": WORDS,
    "transcribe vocabularies add": WORDS,
    "transcribe vocabularies list": WORDS,
    "transcribe vocabularies remove": WORDS,
    "transcribe vocabularies show": WORDS,
    "transcribe vocabularies update": WORDS,
    "transcribe watch": "tests/e2e/test_watch.py",
    "aws s3 cp": "tests/support/guide.py",
    "curl": EXAMPLES,
    "openapi-python-client": GENERATED,
    "npx": GENERATED,
    "python -m services.gpu_worker.engine.speaker_models.making": "tests/integration/test_speaker_models.py",
    "python -m services.gpu_worker.image.fetch_models": "tests/integration/test_models.py",
    "python -m services.gpu_worker.machine.self_test": "tests/unit/test_self_test.py",
    "python -m tools.api_reference": "tests/unit/test_api_reference.py",
    "python -m tools.images": "tests/integration/test_images.py",
    "python -m tools.models": "tests/integration/test_recorded_models.py",
    "python -m tools.time_zones": "tests/unit/test_warm_hours.py",
    "terraform apply": DEPLOYED,
    "terraform destroy": DEPLOYED,
    "terraform init": DEPLOYED,
    "terraform output": DEPLOYED,
    "terraform plan": DEPLOYED,
    "./nox -s demo": "tests/e2e/test_demo.py",
    "./nox -s local": "tests/e2e/test_serve.py",
    "./nox -s package": "tests/integration/test_packages.py",
}
"""What a command is called → the file of a test that runs it, or of what runs it for a test."""
DOES_NOT_RUN = {
    "./nox": "it is nox's own list of sessions",
    "./nox -s baseline": "records a release that is out, once",
    "./nox -s bench": MEASURES,
    "./nox -s clients": "a session of CI of its own: it fetches two generators and their packages",
    "./nox -s image": "an image takes an account and a GPU",
    "./nox -s imports": "a session of CI of its own",
    "./nox -s lock": "asks the package index, whose answers change",
    "./nox -s machine": "a session of CI of its own: it boots containers as root",
    "./nox -s peers": MEASURES,
    "./nox -s provider": "fetches another version of a provider of Terraform's",
    "./nox -s screenshots": "draws pictures of the page anew, in a browser",
    "./nox -s tests": "it is what runs this test",
    "aws ec2 get-console-output": "a machine's console is a real machine's; its words are checked",
    "aws iam create-service-linked-role": "the emulator's account has the role; its words are checked",
    "aws s3 sync": "the files are a model's, which is fetched from elsewhere",
    "aws service-quotas request-service-quota-increase": "the emulator takes none; its words are checked",
    "aws ssm put-parameter": "withdraws a published image; its words are checked",
    "pip": "what it would install is what the tests run with",
    "python -m http.server": "Python's own; the page that it serves is tested in browsers",
    "python -m pytest": "a test by itself",
    "python -m tests.bench.detection": MEASURES,
    "python -m tests.bench.reading": MEASURES,
    "python -m tests.bench.speakers.example": MEASURES,
    "python -m tests.peers.steps": MEASURES,
    "python -m tools.simulate_fleet": "simulates a month of machines and draws a picture of it",
    "python -m venv": "Python's own; the tests run in an environment of their own",
    "terraform providers": "asks Terraform's registry for the packages of other systems",
}
"""What a command is called → why it does not run in a test here."""


@pytest.mark.parametrize("command", [one for one in LIST if one.words[0] == "transcribe"], ids=str)
def test_transcribe_takes_the_words_that_a_document_has(command: Documented) -> None:
    assert path_of(command)


def test_every_command_runs_in_a_test_or_it_is_said_why_not() -> None:
    assert RUNS.keys() & DOES_NOT_RUN.keys() == set()
    assert set(map(path_of, LIST)) == RUNS.keys() | DOES_NOT_RUN.keys()


@pytest.mark.parametrize("path", RUNS)
def test_the_file_that_is_named_is_about_the_command(path: str) -> None:
    """It types the last word of a command of `transcribe`, and names a module, a session or a program."""
    last = re.split(r"[ .]", path)[-1]
    assert (f'"{last}"' if path.startswith("transcribe") else last) in text_of(RUNS[path])


@pytest.mark.parametrize("session", sorted({one.words[2] for one in LIST if one.words[:2] == ("./nox", "-s")}))
def test_nox_has_the_sessions_that_documents_name(session: str) -> None:
    tree = ast.parse(text_of("noxfile.py"))
    assert session in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("module", sorted({one.words[2] for one in LIST if one.words[1] == "-m"}))
def test_a_module_that_documents_run_is_there(module: str) -> None:
    assert importlib.util.find_spec(module)


@pytest.mark.parametrize(
    "words",
    [
        "transcribe operator jobs lst acme",
        "transcribe jobs --newest",
        "transcribe rename",
        "transcribe stages --jobs many",
    ],
)
def test_a_command_that_there_is_not_is_found(words: str) -> None:
    with pytest.raises(NotUnderstoodError):
        path_of(Documented(document="", words=tuple(words.split()), is_typed=True))


def test_a_sentence_may_leave_arguments_out_but_names_no_option_that_there_is_not() -> None:
    assert path_of(Documented(document="", words=("transcribe", "rename"), is_typed=False)) == "transcribe rename"
    with pytest.raises(NotUnderstoodError):
        path_of(Documented(document="", words=("transcribe", "rename", "--all"), is_typed=False))
