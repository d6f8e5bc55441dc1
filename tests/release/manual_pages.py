"""Manual pages of every command, by click-man: `python -m tests.release.manual_pages FOLDER DATE`.

`make release` runs it with the tools of its own environment. click-man itself would find only the commands that a group
holds, and `katakei` imports each command when it is called.
"""

import sys
from pathlib import Path

import click
from click_man.core import write_man_pages

from katakei import __version__
from katakei.cli import COMMANDS, katakei


def whole() -> click.Group:
    """The command line with every command imported."""
    context = click.Context(katakei)
    commands = {name: katakei.get_command(context, name) for name in COMMANDS}
    held = {name: command for name, command in commands.items() if command is not None}
    for name, command in held.items():
        command.short_help = COMMANDS[name][1]
    return click.Group("katakei", commands=held, params=katakei.params, help=katakei.help)


def write(folder: Path, date: str) -> None:
    """Writes one page for each command and subcommand."""
    folder.mkdir(parents=True)
    write_man_pages("katakei", whole(), version=__version__, target_dir=str(folder), date=date)


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2])
