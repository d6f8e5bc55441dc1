"""The completion of shells: `katakei completion SHELL`, and the values that a shell asks for.

Commands and options come from click. Groups, targets and rollouts come from the journal and from one question to AWS,
within two seconds in all. Whatever goes wrong, the shell gets fewer values and no message: a person is typing.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

from katakei.cli.messages import say
from katakei.cli.output import silence
from katakei.domain.model import Target

if TYPE_CHECKING:
    from katakei.bootstrap import Bootstrap

PATIENCE = 2.0
"""Seconds for all questions of one completion."""
MOST = 50
"""Values that a shell gets at most, from the newest on."""
RECENT = 5
"""Rollouts of a group that are read back for their targets."""
SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_KATAKEI_COMPLETE"
"""Set by the shell where it asks for values."""
Search = Callable[["Bootstrap"], Iterator[tuple[str, str]]]
"""Finds values, each with a word about it."""


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
@click.pass_context
def completion_(context: click.Context, shell: str) -> None:
    """Print a script for SHELL (bash, zsh or fish) that completes commands, groups, targets and rollouts."""
    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"there is no completion for {shell}")
    say(made(context.find_root().command, {}, "katakei", VARIABLE).source())


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """Ends the process after the block, whatever calls are still under way: a shell waits for this process."""
    silence(2)
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(0)


def groups(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Target groups: those of the journal, and those of the account and region."""

    def find(drivers: "Bootstrap") -> Iterator[tuple[str, str]]:
        for header in drivers.journal.find():
            yield from ((_name(arn), "") for arn in header.groups)
        yield from ((name, "") for name in drivers.lister.names())

    return items(within_patience(context, find), incomplete)


def rollouts(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Rollouts, newest first, and the word for the newest."""
    return items(within_patience(context, _rollouts), incomplete)


def rollout_words(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The words of '[ROLLOUT] [TARGET]…': first a rollout or a target, then targets."""

    def find(drivers: "Bootstrap") -> Iterator[tuple[str, str]]:
        from katakei.app import queries, selection

        typed = tuple(context.params.get("words") or ())
        if not typed:
            yield from _rollouts(drivers)
        with suppress(Exception):
            rollout, _ = selection.with_targets(drivers.journal, typed, selection.to_read)
            yield from _names(queries.find(drivers.journal, rollout).targets.values())

    return items(within_patience(context, find), incomplete)


def group_words(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The words of '[GROUP] TARGET…': first a group, then targets of it, as the load balancer lists them."""
    typed = tuple(context.params.get("words") or ())
    if not typed:
        return groups(context, parameter, incomplete)

    def find(drivers: "Bootstrap") -> Iterator[tuple[str, str]]:
        from katakei.app.releases import recent_rollouts

        for header in drivers.journal.find():
            for arn in header.groups:
                if typed[0] in {arn, _name(arn)}:
                    for state in islice(recent_rollouts(drivers.journal, (arn,)), RECENT):
                        yield from _names(state.targets.values())
                    break
        for member in drivers.lister.listed((typed[0],))[0].members:
            yield member.registration.id, member.name
            yield member.name, member.registration.id

    return items(within_patience(context, find), incomplete)


def _rollouts(drivers: "Bootstrap") -> Iterator[tuple[str, str]]:
    from katakei.app.selection import LAST

    headers = drivers.journal.find()
    for header in headers[:MOST]:
        yield header.rollout, header.service + ("" if header.finished else ", not finished")
    if headers:
        yield LAST, "the newest rollout"


def _names(targets: Iterable[Target]) -> Iterator[tuple[str, str]]:
    for target in targets:
        yield target.id, target.name
        yield target.name, target.id


def within_patience(context: click.Context, find: Search) -> Mapping[str, str]:
    """The values found within the time, each with its help. What was found before an error or a late answer counts."""
    found: dict[str, str] = {}

    def search() -> None:
        from katakei.bootstrap import open_drivers

        asked = context.params
        with (
            suppress(BaseException),
            open_drivers(
                profile=asked.get("profile"), region=asked.get("region"), journal=asked.get("journal")
            ) as drivers,
        ):
            for value, about in find(drivers):
                if value:
                    found.setdefault(value, about)

    thread = threading.Thread(target=search, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return dict(tuple(found.items()))


def items(found: Mapping[str, str], incomplete: str) -> list[CompletionItem]:
    """Those values that begin as typed, with their help."""
    fits = [(value, about) for value, about in found.items() if value.startswith(incomplete)]
    return [CompletionItem(value, help=about or None) for value, about in fits[:MOST]]


def _name(arn: str) -> str:
    return arn.partition(":targetgroup/")[2].partition("/")[0]
