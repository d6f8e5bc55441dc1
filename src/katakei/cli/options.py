"""What many commands share: where AWS is, which journal, which group, JSON or text."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from katakei.bootstrap import Bootstrap
from katakei.cli.messages import say
from katakei.domain.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from katakei.app.queries import Queries
    from katakei.app.rollouts import Rollouts

F = TypeVar("F", bound=Callable[..., Any])


def aws(command: F) -> F:
    """--profile and --region, everywhere."""
    for option in (
        click.option("--region", metavar="NAME", help="AWS region; else as the aws command finds it."),
        click.option("--profile", metavar="NAME", help="Named profile of the AWS configuration."),
    ):
        command = option(command)
    return command


def journal(command: F) -> F:
    """Where events are kept."""
    return click.option(
        "--journal",
        metavar="PLACE",
        envvar="KATAKEI_JOURNAL",
        help="Where rollouts are recorded: a file or s3://bucket/prefix; else a file in your own state folder.",
    )(command)


def as_json(command: F) -> F:
    """For programs."""
    return click.option("--json", "as_json", is_flag=True, help="JSON for programs; one object per line for streams.")(
        command
    )


@contextmanager
def verbs(profile: str | None, region: str | None, journal: str | None) -> Iterator["Rollouts"]:
    """The verbs that do something, over real drivers, let go at the end."""
    from katakei.app.rollouts import Rollouts

    with _drivers(profile, region, journal) as wiring:
        yield Rollouts(wiring)


@contextmanager
def asking(profile: str | None, region: str | None, journal: str | None) -> Iterator["Queries"]:
    """The verbs that only ask: nothing is loaded for them that only a rollout needs."""
    from katakei.app.queries import Queries

    with _drivers(profile, region, journal) as wiring:
        yield Queries(wiring)


@contextmanager
def _drivers(profile: str | None, region: str | None, journal: str | None) -> Iterator[Bootstrap]:
    wiring = Bootstrap(profile, region, journal, lambda sentence: say(f"katakei: {sentence}", err=True))
    try:
        yield wiring
    finally:
        wiring.close()


def outlives_the_job(journal: str | None, env: Mapping[str, str], *, ephemeral: bool) -> None:
    """In CI the machine's own default journal dies with the job and keeps no promise: refused, unless accepted."""
    if env.get("CI") and not journal and not ephemeral:
        raise RefusedError(
            "this is a CI job and its journal would die with it, so that nobody could carry on or put back:"
            " give --journal s3://bucket/prefix, or a file that outlives the job, or accept that by --ephemeral"
        )


def is_target(text: str) -> bool:
    """Looks like an instance id or an IP, with or without a port."""
    from katakei.planning.target_refs import is_address, is_instance, split

    bare = split(text)[0]
    return is_instance(bare) or is_address(bare)


def group_of(name: str | None, env: Mapping[str, str] = os.environ) -> str:
    """The group named, else TARGET_GROUP_ARN. UsageFault when there is neither."""
    found = name or env.get("TARGET_GROUP_ARN", "")
    if not found:
        raise UsageError("which target group? give its name or ARN, or export TARGET_GROUP_ARN")
    return found


def group_and_targets(words: tuple[str, ...], env: Mapping[str, str] = os.environ) -> tuple[str, tuple[str, ...]]:
    """'[GROUP] TARGET…' as typed: a first word that looks like an instance id or IP is a target already."""
    named = bool(words) and not is_target(words[0])
    group = group_of(words[0] if named else None, env)
    targets = words[1:] if named else words
    if not targets and env.get("INSTANCE_ID"):
        targets = (env["INSTANCE_ID"],)
    if not targets:
        raise UsageError(f"which target of {group}? give instance ids, IPs or names, or export INSTANCE_ID")
    return group, targets
