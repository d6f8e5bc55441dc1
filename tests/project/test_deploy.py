"""The deployment files: their form, and that the commands and options they use exist."""

import json
import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML
from tests.project.test_requirements import pins

from katakei.cli import COMMANDS
from katakei.cli.options import PASSWORD

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SERVICE_KEYS = {
    *("image", "build", "user", "read_only", "tmpfs", "cap_drop", "security_opt", "restart", "stop_grace_period"),
    *("environment", "secrets", "volumes", "healthcheck", "entrypoint", "command", "depends_on", "ports", "deploy"),
    *("init", "networks", "logging"),
}


def used_commands() -> list[tuple[str, ...]]:
    """Every `katakei …` line of the files."""
    texts = ["katakei " + " ".join(each.get("command", ())) for each in COMPOSE["services"].values()]
    texts += [line for unit in UNITS for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    found = [re.search(r"katakei ((?:db|serve|worker)\b.*)", text) for text in texts]
    return [tuple(shlex.split(match[1])) for match in found if match]


def test_files_use_the_server_the_workers_and_the_upgrade() -> None:
    assert {words[0] for words in used_commands()} == {"db", "serve", "worker"}


@pytest.mark.parametrize("words", used_commands(), ids=lambda words: " ".join(words[:2]))
def test_commands_and_options_exist(words: tuple[str, ...]) -> None:
    name, *rest = words
    module, _ = COMMANDS[name]
    command = getattr(import_module(module), f"{name}_")
    if isinstance(command, click.Group):
        command = command.commands[rest.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= known
    values = [word.replace("/etc/katakei/services", str(ROOT)) for word in rest]
    command.make_context(name, values)  # raises what click says against them


@pytest.mark.parametrize("service", ["upgrade", "serve", "worker"])
def test_containers_get_no_secret_by_words_or_environment(service: str) -> None:
    """Every process of the machine reads the words, and the environment is handed on. libpq reads the file itself."""
    found = COMPOSE["services"][service]
    assert "entrypoint" not in found
    assert found["secrets"] == ["pgpass"]
    assert found["environment"]["PGPASSFILE"] == "/run/secrets/pgpass"
    assert not PASSWORD.match(found["environment"]["KATAKEI_JOURNAL"])
    assert "postgres" not in " ".join(found["command"])


def test_postgresql_is_reached_by_the_containers_only() -> None:
    assert COMPOSE["networks"]["database"] == {"internal": True}
    assert COMPOSE["services"]["postgres"]["networks"] == ["database"]
    assert "ports" not in COMPOSE["services"]["postgres"]


def test_image_gets_nothing_but_the_wheel_and_the_pins() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines == ["*", "!requirements/server.txt", "!dist/katakei-*.whl"]


def test_compose_has_known_keys_and_two_workers() -> None:
    assert set(COMPOSE) == {"name", "x-environment", "x-katakei", "services", "networks", "secrets", "volumes"}
    for name, service in COMPOSE["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        for each in service.get("secrets", ()):
            assert each in COMPOSE["secrets"]
        for other, wait in service.get("depends_on", {}).items():
            assert other in COMPOSE["services"]
            assert wait["condition"] in {"service_healthy", "service_completed_successfully"}
    assert COMPOSE["services"]["worker"]["deploy"]["replicas"] == 2
    assert COMPOSE["services"]["serve"]["ports"] == ["127.0.0.1:8480:8480"]


def test_containers_have_no_rights_and_no_secret_in_the_file() -> None:
    for name in ("upgrade", "serve", "worker"):
        service = COMPOSE["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["user"] == "10001:10001"
        assert service["stop_grace_period"] == "30s"
    assert not re.search(r"postgresql://\w+:(?!PASSWORD)", (DEPLOY / "compose.yaml").read_text())


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_are_hardened_and_end_in_time(unit: Path) -> None:
    lines = unit.read_text(encoding="utf-8").splitlines()
    for wanted in (
        "User=katakei",
        "TimeoutStopSec=30",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "Restart=always",
        "RestartPreventExitStatus=2",
        "StartLimitIntervalSec=0",
        "StateDirectoryMode=0700",
    ):
        assert wanted in lines


def test_image_is_built_from_hashes_for_a_user_without_rights() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert any("--require-hashes" in line and "-r /build/server.txt" in line for line in lines)
    assert "USER 10001" in lines
    server, dev = pins(ROOT / "requirements" / "server.txt"), pins(ROOT / "requirements" / "dev.txt")
    assert {name.split("[")[0] for name in server} <= {name.split("[")[0] for name in dev}
    assert {"fastapi", "procrastinate", "apprise", "opentelemetry-sdk"} <= set(server)
    assert all(dev.get(name, version) == version for name, version in server.items())


def test_iam_policy_allows_every_call_that_is_made() -> None:
    policy = json.loads((DEPLOY / "iam-policy.json").read_text(encoding="utf-8"))
    actions: set[str] = set()
    for statement in policy["Statement"]:
        action = statement["Action"]
        actions |= {action} if isinstance(action, str) else set(action)
    adapters = ROOT / "src" / "katakei" / "adapters"
    files = [*(adapters / "balancers").rglob("*.py"), *(adapters / "executors").rglob("*.py")]
    files = [path for path in files if path.parent.name != "ec2"]  # only `katakei iam` of a work: ec2 allows these
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    calls = set(re.findall(r'"((?:Describe|Register|Deregister|Modify|Send|Get|List|Cancel)[A-Z][A-Za-z]+)"', code))
    made = {call for call in calls if not call.endswith("TypeDef")}
    assert {action.split(":")[1] for action in actions} == made - {"GetCallerIdentity"}  # which needs no right
