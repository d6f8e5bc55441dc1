"""`katakei serve`: the console and the API, with everything that a team needs on one machine."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from katakei.cli.logs import start_service_log
from katakei.cli.options import Context, option, takes, tell
from katakei.cli.service_options import ServiceOptions
from katakei.domain.errors import UsageError

if TYPE_CHECKING:
    from katakei.app.dispatch import Dispatch

DEFAULT_PORT = 8480


@dataclass(frozen=True, slots=True)
class ServeCommandOptions(ServiceOptions):
    """How a server is started."""

    host: str = option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Where it listens.")
    port: int = option(
        "--port",
        metavar="PORT",
        type=click.IntRange(0, 65535),
        default=DEFAULT_PORT,
        show_default=True,
        help="Its port.",
    )
    allowed_hosts: tuple[str, ...] = option(
        "--allowed-host",
        "allowed_hosts",
        multiple=True,
        metavar="HOST",
        help="One more name under which it answers; repeatable.",
    )
    trusted_proxies: tuple[str, ...] = option(
        "--trusted-proxy",
        "trusted_proxies",
        multiple=True,
        metavar="ADDRESS",
        help="A proxy whose X-Forwarded-For and X-Forwarded-Proto count; repeatable.",
    )
    access: Path | None = option(  # noqa: RUF009 - returns a field
        "--access",
        metavar="FILE",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="The access file: the OpenID Connect provider by which people sign in, and their roles.",
    )
    dev: bool = option("--dev", is_flag=True, help="No sign-in, on loopback only: for trying things out.")
    metrics_open: bool = option("--metrics-open", is_flag=True, help="Let /metrics be read without a token.")


@click.command("serve")
@takes(ServeCommandOptions, remote=False)
def serve_(context: Context, options: ServeCommandOptions) -> None:
    """Serve the console and the API: a whole service in one process, with its journal and its worker.

    With a journal in PostgreSQL it only serves: `katakei worker` drives the rollouts then.

    The first start prints a link that signs in once. SIGTERM and Ctrl-C end it after the turns in progress; rollouts
    go on at the next start.
    """
    try:
        from katakei.web.serving import ServeOptions, serve
    except ModuleNotFoundError as error:
        raise UsageError(f"katakei serve needs {error.name}: install katakei[serve]") from error
    start_service_log(options.log_format, os.environ)
    profile, region = context.place
    serve(
        ServeOptions(
            host=options.host,
            port=options.port,
            services=options.services,
            journal=context.journal,
            profile=profile,
            region=region,
            base_url=options.base_url,
            hosts=options.allowed_hosts,
            proxies=options.trusted_proxies,
            allow_local=options.allow_local,
            dev=options.dev,
            metrics_open=options.metrics_open,
            access=options.access,
            workers=_workers(context.journal or ""),
        ),
        tell,
    )


def _workers(journal: str) -> "Dispatch | None":
    """What hands rollouts to workers; None where the server drives them itself."""
    if not journal.startswith(("postgresql://", "postgres://")):
        return None
    try:
        from katakei.workers.queue_dispatch import QueueDispatch
    except ModuleNotFoundError as error:
        raise UsageError(f"a journal in PostgreSQL needs {error.name}: install katakei[postgres]") from error
    return QueueDispatch(journal)
