"""One running lab for all tests here that restore what they change, and clients for it."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.lab.credentials import keys_of

from katakei.lab import clock
from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

AWS = Path(__file__).parents[2] / ".venv-aws" / "bin" / "aws"
QUICK = LabOptions(targets=2, delay=timedelta(seconds=4), interval=timedelta(seconds=1.5))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Two healthy servers, delay 4 s, checks every 1.5 s. A test that changes something restores it."""
    with Lab(QUICK) as running:
        yield running


class Clients:
    """boto3 clients for one lab, one for each service, without the user's own configuration."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._session: Any = boto3.Session(region_name=env["AWS_REGION"])
        self._keys = keys_of(env)
        self._clients: dict[str, Any] = {}

    def get(self, service: str) -> Any:
        """Returns the client of a service. Made once, because that is slow."""
        if service not in self._clients:
            self._clients[service] = self._session.client(service, **self._keys)
        return self._clients[service]

    def health(self, group: str) -> dict[str, tuple[str, str, str]]:
        """Returns state, reason and description of every listed target by id."""
        described = self.get("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return {
            one["Target"]["Id"]: tuple(one["TargetHealth"].get(k, "") for k in ("State", "Reason", "Description"))
            for one in described
        }

    def becomes(self, group: str, target: str, state: str, within: float = 15) -> None:
        """Wait until the group shows this state for the target."""
        shown = ("absent", "", "")

        def there() -> bool:
            nonlocal shown
            shown = self.health(group).get(target, ("absent", "", ""))
            return shown[0] == state

        assert clock.wait_for(there, within, 0.1), shown


@pytest.fixture(scope="session")
def clients(lab: Lab) -> Clients:
    """boto3 for the lab."""
    return Clients(lab.env)


class Cli:
    """The real `aws` command, as a user runs it."""

    def __init__(self, env: dict[str, str]) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.env = inherited | env

    def __call__(self, *words: str) -> Any:
        """Run a command that must succeed. Returns its JSON output, or nothing if there is none."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command. Returns its result within 30 s."""
        return subprocess.run(
            [str(AWS), "--output", "json", *words],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture(scope="session")
def aws(lab: Lab) -> Cli:
    """The `aws` command with the lab's environment."""
    assert AWS.exists(), "the aws command is missing; make it with: make .venv-aws/.ready"
    return Cli(lab.env)
