"""`katakei worker`: one of the processes that drive the rollouts of a team, beside `katakei serve`."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

import click

from katakei.cli.logs import start_service_log
from katakei.cli.options import Context, option, takes, tell
from katakei.cli.service_options import ServiceOptions
from katakei.domain.errors import UsageError

DEFAULT_CONCURRENCY = 8
LOCALHOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class WorkerOptions(ServiceOptions):
    """How a worker is started."""

    concurrency: int = option(
        "--concurrency",
        metavar="N",
        type=click.IntRange(1, 64),
        default=DEFAULT_CONCURRENCY,
        show_default=True,
        help="How many turns run at once; a worker has many more rollouts than that.",
    )
    metrics: str = option(
        "--metrics",
        metavar="ADDRESS:PORT",
        default="",
        help="Where /metrics and /healthz answer, without a token: 127.0.0.1:9480; else nowhere.",
    )


@click.command("worker")
@takes(WorkerOptions, remote=False)
def worker_(context: Context, options: WorkerOptions) -> None:
    """Drive the rollouts of a journal in PostgreSQL, together with other workers. Runs until SIGTERM or Ctrl-C.

    A rollout whose worker died goes on in another one after at most 45 s. SIGTERM ends the turns in progress, within
    10 s, and gives the leases back. Let systemd or a container platform start it again whenever it ends.
    """
    try:
        from katakei.web.site import site_of
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
        base_url=site_of(LOCALHOST, 0, options.base_url).base_url if options.base_url else "",
        metrics=options.metrics,
    )
    run_worker(settings, tell, _on_signals)


def _on_signals(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
