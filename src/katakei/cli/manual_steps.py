"""deregister and register: one step of the runbook by hand, with the guards of a rollout."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from katakei.app.manual_steps import ManualStepRequest
from katakei.app.rollouts import Rollouts
from katakei.cli.options import as_json, aws, group_and_targets, journal, verbs
from katakei.cli.progress import Shown, finish
from katakei.planning.survey import AcceptedRisks
from katakei.runtime.session import Confirm, RolloutSession

F = TypeVar("F", bound=Callable[..., Any])


def _stepping(command: F) -> F:
    for option in (
        click.option("--force", is_flag=True, help="Accept that fewer targets serve than the floor."),
        click.option("--no-wait", is_flag=True, help="Return as soon as the load balancer shows that it was heard."),
        click.option("--yes", is_flag=True, help="Do not ask for confirmation on a terminal."),
        click.argument("words", nargs=-1, metavar="[GROUP] TARGET[:PORT]…"),
    ):
        command = option(command)
    return as_json(journal(aws(command)))


@click.command("deregister")
@_stepping
def deregister_(**options: Any) -> int:
    """Take each TARGET out of GROUP and wait until nothing reaches it.

    A TARGET is an instance id, an IP or a name. With PORT only its registration at that port is taken out.
    """
    return _step(Rollouts.deregister, **options)


@click.command("register")
@_stepping
def register_(**options: Any) -> int:
    """Put each TARGET back into GROUP and wait until it serves.

    Without PORT it gets all that it is known with, else the group's, which is said.
    """
    return _step(Rollouts.register, **options)


def _step(  # noqa: PLR0913 - one option each
    verb: Callable[[Rollouts, ManualStepRequest, Confirm], RolloutSession],
    words: tuple[str, ...],
    profile: str | None,
    region: str | None,
    journal: str | None,
    *,
    as_json: bool,
    force: bool,
    no_wait: bool,
    yes: bool,
) -> int:
    group, targets = group_and_targets(words)
    shown = Shown(as_json=as_json, yes=yes)
    hand = ManualStepRequest(group, targets, AcceptedRisks(force=force), waits=not no_wait)
    with verbs(profile, region, journal) as app:
        return finish(verb(app, hand, shown.confirm), shown)
