"""What `roll` and `plan` are asked for: the file, the group, a command, or work by hand; and what is refused."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from katakei.cli import rollouts
from katakei.cli.confirming import confirm
from katakei.cli.rollouts import RollOptions
from katakei.domain.errors import RefusedError, UsageError
from katakei.domain.spec import Command

ARN = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/{}/0123456789abcdef"
FILE = f"""\
service: shop
balancer: {{alb: {{target_groups: [web, {ARN.format("api")}]}}}}
work: {{ssm: {{run: ./deploy}}}}
"""


def options(**given: object) -> RollOptions:
    """The options as click gives them where nothing is typed."""
    defaults = {
        parameter.name: parameter.get_default(click.Context(rollouts.roll_)) for parameter in rollouts.roll_.params
    }
    names = {name: defaults[name] for name in RollOptions.__dataclass_fields__}
    return RollOptions(**{**names, "group": None, "file": None, "run": None, "only": (), **given})  # type: ignore[arg-type]  # as click gives them


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TARGET_GROUP_ARN", raising=False)
    monkeypatch.setattr(rollouts, "on_terminal", lambda _: False)
    return tmp_path


@pytest.mark.parametrize("group", ["web", "api", ARN.format("web")])
def test_group_beside_a_file_that_names_it_takes_the_file(here: Path, group: str) -> None:
    (here / "katakei.yml").write_text(FILE)
    spec = rollouts._request(options(group=group))[0].spec
    assert (spec.work, spec.groups) == (Command("ssm", "./deploy"), (group,))


def test_group_beside_a_file_of_other_groups_is_refused(here: Path) -> None:
    (here / "katakei.yml").write_text(FILE)
    with pytest.raises(
        UsageError, match=r"\./katakei\.yml is of web, api, not of shop: give -f FILE, or --run CMD, or --man"
    ):
        rollouts._request(options(group="shop"))
    assert rollouts._request(options(group="shop", manual=True))[0].spec.work == Command("manual")
    assert rollouts._request(options(group="shop", run="true"))[0].spec.work == Command("ssm", "true")


@pytest.mark.parametrize(
    "given",
    [{"run": "true", "manual": True}, {"file": Path("x.yml"), "manual": True}, {"file": Path("x"), "run": "true"}],
)
def test_only_one_thing_says_what_to_do(here: Path, given: dict[str, object]) -> None:
    del here
    with pytest.raises(UsageError, match="give one of them"):
        rollouts._request(options(group="web", **given))


def test_manual_work_without_a_terminal_must_be_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten = options(group="web")
    with pytest.raises(UsageError, match="to do the work by hand, add --manual"):
        rollouts._confirm_manual_work(forgotten)
    rollouts._confirm_manual_work(options(group="web", manual=True))
    monkeypatch.setattr(rollouts, "on_terminal", lambda _: True)
    monkeypatch.setattr(rollouts, "ask", lambda *_: False)
    with pytest.raises(RefusedError, match="not confirmed"):
        rollouts._confirm_manual_work(forgotten)
    monkeypatch.setattr(rollouts, "ask", lambda *_: True)
    rollouts._confirm_manual_work(forgotten)
    (here / "katakei.yml").write_text(FILE.replace("{ssm: {run: ./deploy}}", "{manual: }"))
    monkeypatch.setattr(rollouts, "ask", lambda *_: False)
    rollouts._confirm_manual_work(options())


def test_nobody_is_asked_without_a_terminal() -> None:
    assert confirm("Run it?", yes=True)
    assert not confirm("Run it?", yes=False)


def test_only_outdated_needs_a_release(here: Path) -> None:
    del here
    with pytest.raises(UsageError, match="--only-outdated needs --release"):
        rollouts._request(options(group="web", run="true", only_outdated=True))
    request, _ = rollouts._request(options(group="web", run="true", release="v9", only_outdated=True, limit=3))
    assert (request.only_outdated, request.limit, request.release) == (True, 3, "v9")


@pytest.mark.parametrize("number", ["0", "-1", "some"])
def test_limit_is_at_least_one(number: str) -> None:
    result = CliRunner().invoke(rollouts.roll_, ["--limit", number])
    assert result.exit_code == 2
