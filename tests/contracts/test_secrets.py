"""What work is told in confidence: it gets there, and is nowhere else, not even when it cannot be had."""

import os
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.contracts.machine import NAME, SHELLS, SOON, Machine
from tests.contracts.workshops import OnThisMachine, follow, hand_over, key
from tests.lab.conftest import Clients

from katakei.adapters.executors import mark
from katakei.adapters.executors.local.driver import LocalExecutor
from katakei.adapters.executors.mark import MarkState
from katakei.adapters.executors.secrets import Secrets
from katakei.adapters.system.clock import SystemClock, draw
from katakei.domain.actions import Job
from katakei.domain.errors import UsageError
from katakei.domain.observation import WorkState, WorkStatus
from katakei.domain.spec import Variable
from katakei.lab import clock
from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

AWS = Path(__file__).parents[2] / ".venv-aws" / "bin"
CANARY = 'c4n4ry\'s "$(touch pwned)" {{ssm:x}} \\n *'
PARAMETER = "/app/db-password"
TOKEN = Variable("DB", None, "TOKEN")
AWAIT = "touch begun; until [ -e go_on ]; do sleep 0.05; done"
STUB = f"""\
#!/bin/sh
case " $* " in *" --name {PARAMETER} "*) ;; *) echo "An error occurred (ParameterNotFound)" >&2; exit 254 ;; esac
cat {{parameters}} 2>/dev/null || {{{{ echo "An error occurred (AccessDeniedException)" >&2; exit 254; }}}}
"""


@pytest.fixture(params=SHELLS)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """An instance whose own role may read one parameter, once that is there."""
    machine = Machine(tmp_path, request.param)
    aws = machine.folder / "bin" / "aws"
    aws.write_text(STUB.format(parameters=shlex.quote(str(tmp_path / "parameter"))))
    aws.chmod(0o755)
    yield machine
    machine.end()


def fetching(run: str, parameter: str = PARAMETER) -> str:
    """The text of a start whose work is to find that parameter as DB."""
    line = mark.Line("i-1", NAME, datetime.now(UTC) + SOON, (("GREETING", "hello"),), (("DB", parameter),))
    return mark.start_text([line], Job(run, (), 60), SOON, "ME")


def command_lines() -> str:
    told = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            told.append(entry.read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(told)


def written(folder: Path) -> str:
    return "\n".join(file.read_text(errors="replace") for file in folder.rglob("*") if file.is_file())


def test_fetched_secret_reaches_only_the_work(machine: Machine) -> None:
    (machine.folder / "parameter").write_text(f"{CANARY}\n")
    text = fetching(f'printf "%s|%s" "$GREETING" "$DB" > ../seen; {AWAIT}')
    machine.folder = machine.folder / "home"
    machine.folder.mkdir()
    (machine.folder / "bin").symlink_to("../bin")
    machine.env["KATAKEI_STATE"] = str(machine.folder.parent / "state")
    with machine.agent(text) as agent:
        assert clock.wait_for((machine.folder / "begun").exists, 10)
        shown = [text, command_lines(), written(machine.folder.parent / "state")]
        (machine.folder / "go_on").touch()
        shown += agent.communicate(timeout=20)
    assert (machine.folder.parent / "seen").read_text() == f"hello|{CANARY}"
    assert not [place for place in shown if "c4n4ry" in place]


def test_unfetched_parameter_refuses_with_reason(machine: Machine) -> None:
    code, answer = machine.run(fetching("touch begun"))
    told = answer.of(NAME)
    assert told
    assert (code, told.state) == (75, MarkState.FORBIDDEN)
    assert told.why.startswith(f"the parameter {PARAMETER} could not be fetched: An error occurred (AccessDenied")
    (machine.folder / "parameter").write_text(CANARY)
    machine.run(fetching("touch begun"))
    assert not (machine.folder / "begun").exists()


def test_target_without_aws_command_refuses(machine: Machine) -> None:
    (machine.folder / "bin" / "aws").unlink()
    machine.env["PATH"] = f"{machine.folder / 'bin'}:/usr/bin:/bin"
    _, answer = machine.run(fetching("touch begun"))
    told = answer.of(NAME)
    assert told
    assert "could not be fetched" in told.why
    assert not (machine.folder / "begun").exists()


@pytest.mark.lab
def test_real_aws_command_fetches_secret(tmp_path: Path) -> None:
    with Lab(LabOptions(targets=1)) as lab:
        Clients(lab.env).get("ssm").put_parameter(Name=PARAMETER, Value=CANARY, Type="SecureString")
        machine = Machine(tmp_path, env={**lab.env, "PATH": f"{AWS}:{os.environ['PATH']}"})
        _, answer = machine.run(fetching('printf "%s" "$DB" > seen'))
        _, missing = machine.run(fetching("true", "/no/such").replace(NAME, "r-2/1-update"))
    assert (tmp_path / "seen").read_text() == CANARY, answer
    assert "ParameterNotFound" in missing.marks[0].why


# -- on this machine


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OnThisMachine:
    monkeypatch.chdir(tmp_path)
    return OnThisMachine(tmp_path)


def told(shop: OnThisMachine, token: str | None) -> LocalExecutor:
    """An executor in a process that has this token in its environment, or has none."""
    env = {name: value for name, value in os.environ.items() if name != "TOKEN"} | ({"TOKEN": token} if token else {})
    return LocalExecutor(shop.marks, shop.here, lambda: SystemClock().now(), draw(12), env, [TOKEN])


def test_local_work_gets_secret_and_output_is_masked(shop: OnThisMachine, tmp_path: Path) -> None:
    whom = shop.targets[0]
    shop.executor = told(shop, CANARY)
    jobs = {key(whom): (whom, Job(f'printf "%s" "$DB" > seen; printf "it is %s!\\n" "$DB"; {AWAIT}', (), 60))}
    tickets = hand_over(shop, jobs)
    assert clock.wait_for((tmp_path / "begun").exists, 10)
    shown = [command_lines(), written(shop.marks)]
    (tmp_path / "go_on").touch()
    [work] = follow(shop, jobs, tickets).values()
    assert ((tmp_path / "seen").read_text(), work.out) == (CANARY, "it is ***!\n")
    assert not [place for place in shown if "c4n4ry" in place.replace(f"it is {CANARY}!", "")]


def test_output_is_hidden_without_the_secret(shop: OnThisMachine) -> None:
    whom = shop.targets[0]
    shop.executor = told(shop, CANARY)
    jobs = {key(whom): (whom, Job('echo "it is $DB!"', (), 60))}
    tickets = hand_over(shop, jobs)
    shop.executor = told(shop, None)
    [work] = follow(shop, jobs, tickets).values()
    assert (work.state, work.exit) == (WorkState.ENDED, 0)
    assert work.out.startswith("(the output of the work is not shown: the work needs the secret TOKEN, which")


@pytest.mark.parametrize(
    ("token", "said"),
    [(None, "needs the secret TOKEN, which is not in the environment"), ("abc", "has fewer than 4 characters")],
)
def test_missing_or_short_secret_is_named_before(shop: OnThisMachine, token: str | None, said: str) -> None:
    assert said in (told(shop, token).lacks or "")
    assert told(shop, CANARY).lacks is None


@pytest.mark.parametrize(
    ("value", "out", "shown"),
    [
        ("s3cret", "s3crets3cret is s3cret", "****** is ***"),
        ("s3cret", "cret and more", "*** and more"),  # the tail of a longer output
        ("one line\nand another", "say and another!", "say ***!"),
        ("abcd", "abc", "abc"),
    ],
)
def test_mask_covers_values_lines_and_cut_rests(value: str, out: str, shown: str) -> None:
    assert Secrets({"TOKEN": value}, [TOKEN]).kept(WorkStatus(WorkState.ENDED, 0, out)).out == shown


def test_mask_without_secrets_changes_nothing() -> None:
    assert Secrets({}, []).kept(WorkStatus(WorkState.ENDED, 0, "plain")) == WorkStatus(WorkState.ENDED, 0, "plain")


def test_harmful_variable_is_usage_error() -> None:
    with pytest.raises(UsageError, match="programs of the mark use or forbid it"):
        str(mark.Line("i-1", NAME, datetime.now(UTC), (), (("dir", "/x"),)))
