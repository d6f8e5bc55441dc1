"""Files that a CI job reads after its rollout: the id of the rollout, and its report.

`roll` and `trigger` write them. A file that cannot be written later never stops or fails a rollout.
"""

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from katakei.cli.language import reader
from katakei.cli.messages import say
from katakei.cli.options import option
from katakei.domain.errors import KatakeiError, UsageError
from katakei.domain.model import RolloutId
from katakei.render.errors import error_text

if TYPE_CHECKING:
    from katakei.bootstrap import Bootstrap

FILE = click.Path(path_type=Path, dir_okay=False)


def id_file_option() -> Any:
    """The option `--id-file` of a command that begins a rollout."""
    return option(
        "--id-file", metavar="FILE", type=FILE, help="Write the id of the rollout here; empty if none was begun."
    )


def report_option() -> Any:
    """The option `--report` of a command that runs a rollout to its end."""
    return option(
        "--report", metavar="FILE", type=FILE, help="Write the report here at the end: Markdown for .md, else HTML."
    )


class JobFiles:
    """The files of one command. They are emptied first, so that nobody reads what an earlier command wrote there."""

    def __init__(self, id_file: Path | None = None, report: Path | None = None) -> None:
        """Prepares the files.

        Args:
            id_file: Gets the id of the rollout and a line end, as soon as it is known.
            report: Gets the report when this process is done with the rollout, also if it is not finished.

        Raises:
            UsageError: One of them cannot be written.
        """
        self._id_file, self._report = id_file, report
        self._rollout: RolloutId | None = None
        self._drivers: Bootstrap | None = None
        for name, file in (("--id-file", id_file), ("--report", report)):
            if file is not None:
                try:
                    file.write_text("", encoding="utf-8")
                except OSError as fault:
                    raise UsageError(
                        f"{file} cannot be written ({fault.strerror}): give another file with {name}"
                    ) from fault

    def begun(self, drivers: "Bootstrap", rollout: RolloutId) -> "Self":
        """Writes the id. As a context, it writes the report at its end.

        Args:
            drivers: The journal, and the time.
            rollout: The rollout of this command.
        """
        self._drivers, self._rollout = drivers, rollout
        if self._id_file is not None:
            try:
                self._id_file.write_text(f"{rollout}\n", encoding="utf-8")
            except OSError as fault:
                self._warn(self._id_file, fault.strerror or "")
        return self

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Writes the report, whatever ended the command."""
        if self._report is None or self._drivers is None or self._rollout is None:
            return
        from katakei.app.queries import Queries
        from katakei.cli.queries import write_report

        try:
            write_report(Queries(self._drivers), self._rollout, self._report)
        except KatakeiError as fault:
            self._warn(self._report, error_text(fault, reader()))

    @staticmethod
    def _warn(file: Path, why: str) -> None:
        with suppress(KatakeiError):
            say("katakei: " + reader()("{file} was not written: {why}", file=file, why=why), err=True)
