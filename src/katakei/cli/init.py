"""The command that writes a first katakei.yml. It asks nothing and overwrites nothing."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

import click

from katakei.cli.language import reader
from katakei.cli.messages import say, say_json
from katakei.cli.options import Context, argument, completes, option, takes
from katakei.cli.source import DEFAULT_FILE
from katakei.domain.errors import UsageError


@dataclass(frozen=True, slots=True)
class InitOptions:
    """Target groups, a command, and where the file is written."""

    groups: tuple[str, ...] = argument("groups", nargs=-1, metavar="[GROUP]…", shell_complete=completes("groups"))
    run: str | None = option("--run", metavar="CMD", help="Command to run on each target by SSM.")
    file: Path = option(  # noqa: RUF009 - returns a field
        "-o",
        "--output",
        "file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        default=DEFAULT_FILE,
        show_default=True,
        help="Where to write it; - for standard output. A file that exists is never overwritten.",
    )


@click.command("init")
@takes(InitOptions, remote=False)
def init_(context: Context, options: InitOptions) -> None:
    """Write a katakei.yml that fits GROUP.

    It reads the groups, their targets and whether Run Command reaches them, and comments every setting. Without a group
    it takes the only one of the account and region. It asks nothing and changes nothing in AWS.
    """
    from katakei.app.drafts import draft
    from katakei.render import draft as view

    to_stdout = str(options.file) == "-"
    if not to_stdout and options.file.exists():
        raise _exists(options.file)
    groups = options.groups or tuple(filter(None, [os.environ.get("TARGET_GROUP_ARN", "")]))
    with context.drivers() as drivers:
        made = draft(drivers, groups, options.run)
    tr = reader()
    text = view.draft_text(made, tr)
    if to_stdout:
        say(text.rstrip("\n"))
        return
    _write(options.file, text)
    command = view.NEXT if options.file == DEFAULT_FILE else f"{view.NEXT} -f {shlex.quote(str(options.file))}"
    if context.as_json:
        say_json(view.draft_data(made, str(options.file), command))
        return
    say(tr("{file} written; next: {command}", file=options.file, command=command))


def _write(file: Path, text: str) -> None:
    """Writes a new file. Raises UsageError: it exists, or cannot be written."""
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise _exists(file) from None
    except OSError as fault:
        raise UsageError(f"{file} cannot be written ({fault.strerror}): give another file with -o") from fault


def _exists(file: Path) -> UsageError:
    return UsageError(f"{file} exists already and is not overwritten: give another file with -o, or - to see the draft")
