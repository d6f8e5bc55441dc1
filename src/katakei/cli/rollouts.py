"""plan and roll: what would happen, and making it happen."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from katakei.app.rollouts import RolloutRequest, Rollouts
from katakei.cli.messages import on_terminal, say
from katakei.cli.options import as_json, aws, group_of, journal, outlives_the_job, verbs
from katakei.cli.progress import Shown, finish
from katakei.domain.errors import KatakeiError, UsageError
from katakei.planning.survey import AcceptedRisks
from katakei.render import plan as plan_text
from katakei.render.errors import error_text
from katakei.runtime.session import RolloutSession

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT_FILE = Path("katakei.yml")


def _ordering(command: F) -> F:
    """What a rollout is asked for, the same for plan and roll."""
    for option in (
        click.option("--force", is_flag=True, help="Accept what would be refused for your safety, aloud."),
        click.option("--ignore-draining", is_flag=True, help="Leave targets alone that somebody else is draining."),
        click.option("--only-these-groups", is_flag=True, help="Accept that targets stay registered in other groups."),
        click.option("--only", multiple=True, metavar="TARGET", help="Only this target (id, name or IP); repeatable."),
        click.option(
            "--release", metavar="NAME", default="", help="What is rolled out; reaches the work as KATAKEI_RELEASE."
        ),
        click.option("--run", metavar="CMD", help="Command to run on each target by SSM; then no file is needed."),
        click.option(
            "-f",
            "--file",
            "file",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="Configuration; else ./katakei.yml, where neither GROUP nor --run is given.",
        ),
        click.argument("group", required=False),
    ):
        command = option(command)
    return command


@click.command("plan")
@_ordering
@aws
@journal
@as_json
def plan_(profile: str | None, region: str | None, journal: str | None, *, as_json: bool, **asked: Any) -> None:
    """What `roll` with the same words would do to GROUP: in what order, how long, and which settings cost the time.

    Changes nothing. What to roll comes from a file, or from GROUP and --run.
    """
    order = _order(**asked)
    with verbs(profile, region, journal) as app:
        plan, forecast = app.plan(order)
    say(json.dumps(plan_text.plan_data(plan, forecast, ())) if as_json else plan_text.plan_text(plan, forecast))


@click.command("roll")
@_ordering
@click.option("--yes", is_flag=True, help="Do not ask for confirmation on a terminal.")
@click.option("--as-recorded", is_flag=True, help="Carry an unfinished rollout on although its configuration changed.")
@click.option("--ephemeral", is_flag=True, help="In CI: accept a journal that dies with the job.")
@aws
@journal
@as_json
def roll_(  # noqa: PLR0913 - one option each
    profile: str | None,
    region: str | None,
    journal: str | None,
    *,
    as_json: bool,
    yes: bool,
    ephemeral: bool,
    as_recorded: bool,
    **asked: Any,
) -> int:
    """Take the targets of GROUP out, work on them, check them and put them back, one side at a time.

    What to do comes from a file, or from GROUP and --run; with GROUP alone the work is yours, and each target waits
    for you. After a crash or Ctrl-C the same command carries on.
    """
    _meant(**asked)
    order = _order(**asked, as_recorded=as_recorded)
    shown = Shown(as_json=as_json, yes=yes)
    outlives_the_job(journal, os.environ, ephemeral=ephemeral)
    with verbs(profile, region, journal) as app:
        drive = app.roll(order, shown.confirm)
        _listen(app, drive, shown)
        return finish(drive, shown)


def _order(  # noqa: PLR0913 - one option each
    group: str | None,
    file: Path | None,
    run: str | None,
    release: str,
    only: tuple[str, ...],
    *,
    only_these_groups: bool,
    ignore_draining: bool,
    force: bool,
    as_recorded: bool = False,
) -> RolloutRequest:
    from katakei import config

    overrides = config.Overrides(only=only, target_group=group)
    source = file or (DEFAULT_FILE if group is None and run is None and DEFAULT_FILE.exists() else None)
    if source and run:
        raise UsageError("--run and a configuration file both say what to run: give one of them")
    spec = config.load(source, overrides) if source else config.without_file(group_of(group), run, overrides)
    allowed = AcceptedRisks(force, only_these_groups, ignore_draining)
    return RolloutRequest(spec, config.release(release) if release else "", allowed, as_recorded)


def _meant(group: str | None, run: str | None, file: Path | None, **_others: Any) -> None:
    """Work by hand where nobody sits is mostly a forgotten file: a server would be out until somebody looks."""
    by_hand = run is None and file is None and (group is not None or not DEFAULT_FILE.exists())
    if by_hand and (group is None or DEFAULT_FILE.exists()) and not on_terminal(0):
        raise UsageError(
            "what is to be run on the targets? give -f FILE or --run CMD; to do the work by hand, name the GROUP"
            " in a folder without katakei.yml, or do it on a terminal"
        )


def _listen(app: Rollouts, drive: RolloutSession, shown: Shown) -> None:
    """Where a person works and watches: Enter says that the work in hand is done."""
    if not shown.typed(drive.plan):
        return

    def entered() -> None:
        while os.read(0, 4096):  # not by sys.stdin: its buffer would be locked by this thread when Python ends
            try:
                app.approve(drive.plan.rollout, ())
            except KatakeiError as error:
                say(f"katakei: {error_text(error)}", err=True)
            drive.wake()

    threading.Thread(target=entered, daemon=True).start()
