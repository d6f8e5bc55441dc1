"""`katakei worker`: one of the processes that drive the rollouts of a team, beside `katakei serve`."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from katakei.cli.logs import start_service_log
from katakei.cli.messages import say
from katakei.cli.options import Context, option, takes
from katakei.domain.errors import UsageError

DEFAULT_CONCURRENCY = 8


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker is started."""

    services: Path | None = option(  # noqa: RUF009 - returns a field
        "--services",
        metavar="DIR",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="The folder of katakei.yml files, the same as that of the server.",
    )
    concurrency: int = option(
        "--concurrency",
        metavar="N",
        type=click.IntRange(1, 64),
        default=DEFAULT_CONCURRENCY,
        show_default=True,
        help="How many turns run at once; a worker has many more rollouts than that.",
    )
    allow_local: tuple[str, ...] = option(
        "--allow-local",
        multiple=True,
        metavar="SERVICE",
        help="Let the work and secrets of this service run as the user of the worker; repeatable.",
    )
    log_format: str = option(
        "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of the log."
    )


@click.command("worker")
@takes(WorkerOptions, remote=False)
def worker_(context: Context, options: WorkerOptions) -> None:
    """Drive the rollouts of a journal in PostgreSQL, together with other workers. Runs until SIGTERM or Ctrl-C.

    A rollout whose worker died goes on in another one after at most 45 s. SIGTERM ends the turns in progress, within
    10 s, and gives the leases back. Let systemd or a container platform start it again whenever it ends.
    """
    try:
        from katakei.workers.running import WorkerSettings, run_worker
    except ModuleNotFoundError as error:
        raise UsageError(f"katakei worker needs {error.name}: install katakei[postgres]") from error
    start_service_log(options.log_format, os.environ)
    profile, region = context.place
    settings = WorkerSettings(
        journal=context.journal or "",
        services=options.services,
        profile=profile,
        region=region,
        concurrency=options.concurrency,
        allow_local=options.allow_local,
    )
    run_worker(settings, lambda sentence: say(f"katakei: {sentence}", err=True), _on_signals)


def _on_signals(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
