"""The options that a server and a worker share: they drive rollouts of the same services, with the same log."""

from dataclasses import dataclass
from pathlib import Path

import click

from katakei.cli.options import option


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """What a server and a worker are started with."""

    services: Path | None = option(  # noqa: RUF009 - returns a field
        "--services",
        metavar="DIR",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="The folder of katakei.yml files, one for each service; read again when it changes.",
    )
    base_url: str = option(
        "--base-url", metavar="URL", default="", help="What people open, where a proxy stands in front: https://host."
    )
    allow_local: tuple[str, ...] = option(
        "--allow-local",
        multiple=True,
        metavar="SERVICE",
        help="Let the work and secrets of this service run as the user of this process; repeatable.",
    )
    log_format: str = option(
        "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of the log."
    )
