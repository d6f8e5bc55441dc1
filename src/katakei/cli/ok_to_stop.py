"""The command that answers other tools: may these targets leave now?"""

import os
from dataclasses import dataclass
from pathlib import Path

import click

from katakei.cli.language import reader
from katakei.cli.messages import say, say_json
from katakei.cli.options import Context, argument, completes, option, takes
from katakei.cli.source import DEFAULT_FILE, Source, configuration, file_option
from katakei.domain.errors import ExitCode, UsageError


@dataclass(frozen=True, slots=True)
class OkToStopOptions:
    """Targets, and which floors hold."""

    targets: tuple[str, ...] = argument("targets", nargs=-1, metavar="TARGET…")
    group: str | None = option(
        "--group",
        metavar="GROUP",
        help="The target group, with a floor of half of it; else the groups and the floor of the configuration.",
        shell_complete=completes("groups"),
    )
    file: Path | None = file_option("Configuration; else ./katakei.yml.")  # noqa: RUF009 - returns a field


@click.command("ok-to-stop")
@takes(OkToStopOptions, remote=False)
def ok_to_stop_(context: Context, options: OkToStopOptions) -> int:
    """Whether each TARGET may leave service now.

    The exit code answers: 0 if every floor is kept without all of them, 4 if not. A TARGET is an instance id, an IP or
    a name. The answer holds for this moment; nothing is changed, and nobody is kept from taking others out.
    """
    from katakei.app.ok_to_stop import ok_to_stop
    from katakei.render import ok_to_stop as view

    targets = options.targets or tuple(filter(None, [os.environ.get("INSTANCE_ID", "")]))
    if not targets:
        raise UsageError("which targets? give instance ids, IPs or names, or export INSTANCE_ID")
    file = options.file or (DEFAULT_FILE if options.group is None and DEFAULT_FILE.exists() else None)
    spec = configuration(Source(options.group, file, manual=file is None)).spec
    with context.drivers() as drivers:
        found = ok_to_stop(drivers, spec, targets)
    say_json(view.departure_data(found)) if context.as_json else say(view.departure_text(found, reader()))
    return ExitCode.DONE if found.ok else ExitCode.REFUSED
