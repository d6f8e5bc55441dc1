"""The configuration that a command is about: a file, or a group and a command; and the options that name it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from katakei.cli.options import argument, completes, group_of, option
from katakei.domain.errors import UsageError
from katakei.domain.spec import Spec
from katakei.render.text import listed

if TYPE_CHECKING:
    from katakei.config import Configuration

DEFAULT_FILE = Path("katakei.yml")


def file_option(text: str = "Configuration; else ./katakei.yml, unless --run or --manual is given.") -> Any:
    """The option `-f` of a command that reads a configuration."""
    return option("-f", "--file", "file", metavar="FILE", type=click.Path(path_type=Path), help=text)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the configuration comes from.

    Attributes:
        group: The target group, by name or ARN.
        file: The configuration file.
        run: The command to run by SSM.
        manual: A person does the work.
        only: The targets that a person named.
    """

    group: str | None = None
    file: Path | None = None
    run: str | None = None
    manual: bool = False
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """The same as options of a command that starts nothing."""

    group: str | None = argument("group", required=False, shell_complete=completes("groups"))
    file: Path | None = file_option()  # noqa: RUF009 - returns a field
    run: str | None = option("--run", metavar="CMD", help="The command that `roll` would run on each target by SSM.")
    manual: bool = option("--manual", is_flag=True, help="A person does the work on each target.")

    @property
    def source(self) -> Source:
        """Where the configuration comes from."""
        return Source(self.group, self.file, self.run, self.manual)


def configuration(source: Source) -> "Configuration":
    """Reads the configuration. Raises UsageError: nothing, or two things, say what to run; or the file has faults."""
    from katakei import config

    group, run = source.group, source.run
    if source.file and run:
        raise UsageError("--run and a configuration file both say what to run: give one of them")
    if source.manual and (source.file or run):
        raise UsageError("--manual leaves the work to you, but something else says what to run: give one of them")
    overrides = config.Overrides(only=source.only, target_group=group)
    file = source.file or (DEFAULT_FILE if run is None and not source.manual and DEFAULT_FILE.exists() else None)
    if file and source.file is None and group is not None:
        _check_named(group, config.load(file, config.Overrides()))
    if file:
        return config.read_file(file, overrides)
    return config.Configuration(config.without_file(group_of(group), run, overrides))


def _check_named(group: str, spec: Spec) -> None:
    """Raises UsageError: katakei.yml is of other groups, so it does not say what to run on this one."""
    if not {group, _name(group)} & {each for written in spec.groups for each in (written, _name(written))}:
        raise UsageError(
            f"./{DEFAULT_FILE} is of {listed(map(_name, spec.groups))}, not of {_name(group)}: give -f FILE, or"
            " --run CMD, or --manual to do the work by hand"
        )


def _name(group: str) -> str:
    """The name of a target group that is given by its name or ARN."""
    return group.partition(":targetgroup/")[2].partition("/")[0] or group
