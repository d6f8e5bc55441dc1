"""The command about configuration files: config validate. It needs neither AWS nor a journal."""

import os
from dataclasses import dataclass
from pathlib import Path

import click

from katakei.cli.language import reader
from katakei.cli.messages import say, say_command, say_json
from katakei.cli.options import Context, argument, takes
from katakei.cli.source import DEFAULT_FILE
from katakei.domain.errors import ExitCode


@dataclass(frozen=True, slots=True)
class ValidateOptions:
    """Which files."""

    files: tuple[Path, ...] = argument("files", nargs=-1, metavar="[FILE]…", type=click.Path(path_type=Path))


@click.group("config")
def config_() -> None:
    """Configuration files: check them without AWS."""


@config_.command("validate")
@takes(ValidateOptions)
def validate(context: Context, options: ValidateOptions) -> int:
    """Name each fault of each FILE with its place.

    A FILE is a katakei.yml, a service file of a server, or a folder of service files; without one it is ./katakei.yml.
    AWS is not asked, so names of target groups and targets are not compared with what exists. Ends with 2 if there is
    a fault. In a job of GitHub Actions each fault also becomes an annotation.
    """
    from katakei.config.file_checks import check_files
    from katakei.render import ci
    from katakei.render import config_faults as view

    found = check_files(options.files or (DEFAULT_FILE,))
    say_json(view.faults_data(found)) if context.as_json else say(view.faults_text(found, reader()))
    system = ci.ci_system(os.environ)
    for checked in found if not context.as_json else ():
        for fault in checked.faults:
            if text := ci.file_error(
                system, checked.file, (fault.line, fault.column), view.fault_text(fault, reader())
            ):
                say_command(text)
    return ExitCode.USAGE if any(checked.faults for checked in found) else ExitCode.DONE
