"""Help and usage errors in the language of the reader. English is left to click.

click measures text by characters, and breaks lines at spaces. Japanese has characters of two columns and few spaces.
"""

import re
from collections.abc import Iterable

import click

from katakei.cli.language import reader
from katakei.cli.messages import say
from katakei.domain.notifications import Language
from katakei.render.translation import Translator
from katakei.render.widths import padded, width, wrapped

EXTRA = re.compile(r"^(?P<text>.*?)(?P<extra>(?:  )?\[[^\]]*\])?$", re.DOTALL)
"""A help text, and what click adds to it: '[default: 90]'."""
DEFAULT = re.compile(r"^ *\[default: (?P<value>[^;\]]*)(?P<more>[^\]]*)\]$")


class HelpContext(click.Context):
    """A context whose help is in the language of the reader."""

    def make_formatter(self) -> click.HelpFormatter:
        """That of click for English."""
        tr = reader()
        if tr.language is Language.ENGLISH:
            return super().make_formatter()
        return TranslatedFormatter(tr, self.terminal_width, self.max_content_width)


def shown_by(command: click.Command) -> click.Command:
    """The same command, with its help and that of its subcommands in the language of the reader."""
    command.context_class = HelpContext
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            shown_by(inner)
    return command


class TranslatedFormatter(click.HelpFormatter):
    """Writes help in another language than English, by the width of its characters."""

    def __init__(self, tr: Translator, columns: int | None, most: int | None) -> None:
        super().__init__(width=columns, max_width=most)
        self._tr = tr

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The line of usage."""
        del prefix
        super().write_usage(prog, args, self._tr("Usage:") + " ")

    def write_heading(self, heading: str) -> None:
        """The heading of a section."""
        super().write_heading(self._tr.of(heading))

    def write_text(self, text: str) -> None:
        """Paragraphs. One that begins with a backspace is not wrapped: examples."""
        paragraphs = [self._paragraph(each) for each in self._tr.of(one_text(text)).split("\n\n")]
        self.write("\n\n".join(paragraphs) + "\n")

    def _paragraph(self, text: str) -> str:
        indent = " " * self.current_indent
        if not text.startswith("\b"):
            return wrapped(text, self.width, indent)
        head, *lines = text.split("\n")[1:]
        return "\n".join(indent + line for line in [self._tr.of(head), *lines])

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Names with their help, in two columns."""
        indent, rows = " " * self.current_indent, list(rows)
        first = min(max((width(name) for name, _ in rows), default=0), col_max) + col_spacing
        for name, text in rows:
            lines = wrapped(self._said(text), self.width - self.current_indent - first, "").splitlines()
            begins_below = width(name) > first - col_spacing
            head = f"{indent}{name}\n{indent}{' ' * first}" if begins_below else indent + padded(name, first)
            self.write((head + f"\n{indent}{' ' * first}".join(lines)).rstrip() + "\n")

    def _said(self, text: str) -> str:
        found = EXTRA.match(text)
        if found is None or not found["extra"]:
            return self._tr.of(text)
        default = DEFAULT.match(found["extra"])
        extra = self._tr("[default: {value}{more}]", **default.groupdict()) if default else found["extra"].strip()
        return f"{self._tr.of(found['text'])} {extra}"


def one_text(text: str) -> str:
    """A text as the catalog has it: a paragraph is one line; one that click does not wrap is as it is."""
    paragraphs = text.strip("\n").split("\n\n")
    return "\n\n".join(each if each.startswith("\b") else " ".join(each.split()) for each in paragraphs)


def show_fault(fault: click.ClickException) -> None:
    """The fault of a command line: how the command is used, and what was wrong."""
    tr = reader()
    if tr.language is Language.ENGLISH:
        fault.show()
        return
    lines = []
    if isinstance(fault, click.UsageError) and fault.ctx is not None:
        path = fault.ctx.command_path
        lines = [fault.ctx.get_usage(), tr("Try '{command} -h' for help.", command=path), ""]
    error = tr("Error: {fault}", fault=tr.known(fault.format_message()))
    say("\n".join([*lines, error]), err=True)
