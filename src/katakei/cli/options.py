"""The options of the commands, as frozen dataclasses, and the context that every command gets.

A field made with `option` or `argument` is the declaration: its name on the command line, its help and its type.
`@takes(Options)` gives a command those parameters, then the common ones, and calls it with two values: the `Context`
and its `Options`.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from katakei.cli.language import reader
from katakei.cli.logs import start_logging
from katakei.cli.messages import say
from katakei.domain.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from katakei.app.control import Control
    from katakei.app.queries import Queries
    from katakei.bootstrap import Bootstrap
    from katakei.remote_bootstrap import ServerDrivers

PASSWORD = re.compile(r"postgres(ql)?://[^/?#@]*:[^@]*@")
"""The beginning of a URL with a password, also of one whose password was not escaped."""

O = TypeVar("O")  # noqa: E741 - the options of one command
Command = Callable[["Context", O], "int | None"]
MAX_TOKEN = 20_000
"""Characters of a token."""


def option(*names: str, **settings: Any) -> Any:
    """A field that is an option of the command line. Takes what `click.option` takes."""
    return field(metadata={"parameter": click.option(*names, **settings)})


def argument(name: str, **settings: Any) -> Any:
    """A field that is an argument of the command line. Takes what `click.argument` takes."""
    return field(metadata={"parameter": click.argument(name, **settings)})


def yes_option(text: str = "Do not ask for confirmation on a terminal.") -> Any:
    """The option `-y` of a command that asks before it acts."""
    return option("-y", "--yes", is_flag=True, help=text)


def yes_to_all_option() -> Any:
    """The option `-y` of a command that may also run what somebody else recorded."""
    return yes_option("Do not ask, also not about commands that somebody else recorded.")


def force_option(text: str = "Accept risks that would be refused; the plan names them.") -> Any:
    """The option `--force` of a command whose plan may be refused."""
    return option("--force", is_flag=True, help=text)


def ephemeral_option() -> Any:
    """The option `--ephemeral` of a command that calls `check_journal_outlives_job`."""
    return option("--ephemeral", is_flag=True, help="In CI: accept a journal that ends with the job.")


def completes(values: str) -> Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]:
    """What a shell may complete an argument with: the name of a function of `katakei.cli.completion`."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        from katakei.cli import completion

        found: list[CompletionItem] = getattr(completion, values)(context, parameter, incomplete)
        return found

    return complete


def without_password(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuses a password on the command line: every user of the machine can read it there, and a recap repeats it."""
    typed = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
    if typed and value and PASSWORD.match(value):
        raise UsageError(
            "every user of this machine can read a password in --journal: put it into PGPASSWORD or ~/.pgpass, or the"
            " whole URL into KATAKEI_JOURNAL"
        )
    return value


@dataclass(frozen=True, slots=True)
class NoOptions:
    """The options of a command that has only the common ones."""


@dataclass(frozen=True, slots=True)
class CommonOptions:
    """What every command takes: where AWS is, where rollouts are recorded, how to print."""

    profile: str | None = option("--profile", metavar="NAME", help="Named profile of the AWS configuration.")
    region: str | None = option("--region", metavar="NAME", help="AWS region; else as the aws command finds it.")
    journal: str | None = option(
        "--journal",
        metavar="PLACE",
        envvar="KATAKEI_JOURNAL",
        callback=without_password,
        help="Where rollouts are recorded: a file, s3://bucket/prefix or postgresql://user@host/database; else a"
        " file in your own state folder.",
    )
    server: str | None = option(
        "--server",
        metavar="URL",
        envvar="KATAKEI_SERVER",
        help="Work on the rollouts of this Katakei server, with the token in KATAKEI_TOKEN.",
    )
    verbose: int = option("-v", "--verbose", count=True, help="Log to standard error; -vv logs more.")
    as_json: bool = option(
        "--json", "as_json", is_flag=True, help="JSON for programs; one object per line for streams."
    )


@dataclass(frozen=True, slots=True)
class RolloutOptions:
    """One rollout: an id or its beginning, `last`, a group, or nothing."""

    rollout: str | None = argument("rollout", required=False, shell_complete=completes("rollouts"))


class Context:
    """What a command works with: the common options, and the use cases over real drivers."""

    def __init__(self, common: CommonOptions) -> None:
        self.as_json = common.as_json
        self.journal = common.journal
        self.server = common.server
        self.place = common.profile, common.region
        self._common = common

    @contextmanager
    def drivers(self) -> "Iterator[Bootstrap]":
        """The drivers, closed at the end."""
        from katakei.bootstrap import open_drivers

        common = self._common
        with open_drivers(profile=common.profile, region=common.region, journal=common.journal, tell=tell) as drivers:
            yield drivers

    @contextmanager
    def server_drivers(self) -> "Iterator[ServerDrivers]":
        """The server that `--server` or KATAKEI_SERVER names. Raises UsageError: none is named, or it is no server."""
        from katakei.remote_bootstrap import open_server

        if not self.server:
            raise UsageError("which server? give --server URL, or export KATAKEI_SERVER")
        with open_server(self.server, token_of(os.environ), tell) as drivers:
            yield drivers

    @contextmanager
    def journal_drivers(self) -> "Iterator[Bootstrap]":
        """The drivers for commands to recorded rollouts: of the server where one is named, else of this machine."""
        with self.server_drivers() if self.server else self.drivers() as drivers:
            yield drivers  # type: ignore[misc]  # those of a server lack what acts on AWS, and have its commands

    def control(self, drivers: "Bootstrap", *, accept_others: bool = False) -> "Control":
        """The commands to a rollout, carried out by the server where one is named.

        Args:
            drivers: What `journal_drivers` gave.
            accept_others: Run commands that somebody else recorded.
        """
        from katakei.app.control import Control
        from katakei.app.remote import RemoteControl

        if self.server:
            return RemoteControl(drivers, accept_others=accept_others)  # type: ignore[arg-type]  # see journal_drivers
        return Control(drivers, accept_others=accept_others)

    @contextmanager
    def queries(self) -> "Iterator[Queries]":
        """The questions; loads nothing that only a rollout needs."""
        from katakei.app.queries import Queries

        with self.journal_drivers() as drivers:
            yield Queries(drivers)


def takes(options: type[O], *, remote: bool = True) -> Callable[[Command[O]], Callable[..., "int | None"]]:
    """Gives a command its parameters: those of its own options first, then the common ones.

    Args:
        options: The command's own options.
        remote: Whether it can work on a server. Another one is refused where a server is named, because it would act
            on the AWS account of this machine instead.
    """

    def decorate(command: Command[O]) -> Callable[..., int | None]:
        def called(**values: object) -> int | None:
            common = _made(CommonOptions, values)
            if common.server and not remote:
                raise UsageError(
                    f"{click.get_current_context().info_name} works on this machine only: leave --server out,"
                    " and unset KATAKEI_SERVER"
                )
            start_logging(common.verbose + (click.get_current_context().find_root().obj or 0), os.environ)
            return command(Context(common), _made(options, values))

        update_wrapper(called, command)
        declared = [each for kind in (options, CommonOptions) for each in fields(kind)]  # type: ignore[arg-type]  # O is one
        for each in reversed(declared):
            called = each.metadata["parameter"](called)
        return called

    return decorate


def _made(kind: type[O], values: Mapping[str, object]) -> O:
    return kind(**{each.name: values[each.name] for each in fields(kind)})  # type: ignore[arg-type]  # O is a dataclass


def token_of(env: Mapping[str, str]) -> str:
    """The token for the server: KATAKEI_TOKEN, else the file that KATAKEI_TOKEN_FILE names; '' for none.

    Raises:
        UsageError: The file cannot be read.
    """
    if token := env.get("KATAKEI_TOKEN", "").strip():
        return token
    if not (name := env.get("KATAKEI_TOKEN_FILE", "")):
        return ""
    try:
        with open(name, encoding="ascii") as file:  # noqa: PTH123 - pathlib costs start-up time
            return file.read(MAX_TOKEN).strip()
    except (OSError, ValueError) as fault:
        raise UsageError(f"the token file {name} cannot be read: check KATAKEI_TOKEN_FILE") from fault


def tell(sentence: str) -> None:
    """Prints a sentence of the program itself, which comes in English, in the language of the reader."""
    say(f"katakei: {reader().known(sentence)}", err=True)


def check_journal_outlives_job(journal: str | None, env: Mapping[str, str], *, ephemeral: bool) -> None:
    """Raises RefusedError: in CI the default journal ends with the job, and no promise could be kept after that."""
    if env.get("CI") and not journal and not ephemeral:
        raise RefusedError(
            "this is a CI job and its journal would end with it, so that nobody could carry the rollout on:"
            " give --journal s3://bucket/prefix or a file that outlives the job, or accept that with --ephemeral"
        )


def is_target(text: str) -> bool:
    """Whether it looks like an instance id or an IP, with or without a port."""
    from katakei.planning.target_refs import is_address, is_instance, split

    bare = split(text)[0]
    return is_instance(bare) or is_address(bare)


def group_of(name: str | None, env: Mapping[str, str] = os.environ) -> str:
    """The group given, else TARGET_GROUP_ARN. Raises UsageError: neither."""
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
