"""`trigger`: starts a rollout at a server from a CI job that holds no AWS rights.

The job proves what it is by its own OpenID Connect token (GitHub Actions, GitLab), which the server exchanges once for
a short token of one service; or it holds a deploy token.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from katakei.app.remote import RemoteSession, start
from katakei.cli.job_files import JobFiles, id_file_option, report_option
from katakei.cli.language import reader
from katakei.cli.messages import say, say_json
from katakei.cli.options import Context, argument, option, takes, token_of
from katakei.cli.progress import Screen
from katakei.cli.remote_rollouts import follow
from katakei.domain.errors import ExitCode, KatakeiError, UsageError
from katakei.domain.ports.server import RemoteRequest
from katakei.render.errors import error_text
from katakei.render.json_data import output

if TYPE_CHECKING:
    from katakei.remote_bootstrap import ServerDrivers


@dataclass(frozen=True, slots=True)
class TriggerOptions:
    """A service of the server, and what happens after the start."""

    service: str = argument("service")
    release: str = option("--release", metavar="NAME", default="", help="What is rolled out.")
    wait: bool = option("--wait", is_flag=True, help="Follow the rollout, and end with its exit code.")
    on_cancel: str = option(
        "--on-cancel",
        type=click.Choice(["leave", "abort"]),
        default="leave",
        show_default=True,
        help="What a canceled job does with the rollout that it waits for.",
    )
    id_file: Path | None = id_file_option()  # noqa: RUF009 - returns a field
    report: Path | None = report_option()  # noqa: RUF009 - returns a field


@click.command("trigger")
@takes(TriggerOptions)
def trigger_(context: Context, options: TriggerOptions) -> int:
    """Start a rollout of SERVICE at the server. This machine needs no AWS rights.

    The token comes from KATAKEI_TOKEN; else from GitHub Actions (the job needs `permissions: id-token: write`); else
    from KATAKEI_ID_TOKEN, which GitLab fills by `id_tokens`. With --wait the lines of the rollout are printed, also
    across a restart of the server, and the exit code is that of the rollout.
    """
    files = JobFiles(options.id_file, options.report)
    with context.server_drivers() as drivers:
        _sign_in(drivers, options.service, os.environ)
        session = start(drivers, RemoteRequest(options.service, options.release), None)  # type: ignore[arg-type]  # it has what a session reads
        begun = files.begun(drivers, session.plan.rollout)  # type: ignore[arg-type]  # as above
        if not options.wait:
            name = session.plan.rollout
            text = reader()(
                "rollout {rollout} of {service} is started; to follow it: katakei logs -f {rollout}",
                rollout=name,
                service=options.service,
            )
            say_json(output("accepted", accepted=name)) if context.as_json else say(text)
            return ExitCode.DONE
        with begun:
            code = follow(session, Screen(as_json=context.as_json), drivers)
            if session.detached and options.on_cancel == "abort":
                _abort(context, session, drivers)
        return code


def _sign_in(drivers: "ServerDrivers", service: str, env: Mapping[str, str]) -> None:
    """Exchanges the token of the CI system, unless the job holds a token of the server already.

    Raises:
        UsageError: The job has no token at all.
    """
    if token_of(env):
        return
    from katakei.remote_bootstrap import ci_identity

    identity = ci_identity(env, drivers.api.address.origin)
    if not identity:
        raise UsageError(
            "this job has no token for the server: give a deploy token in KATAKEI_TOKEN; or, on GitHub Actions, set"
            " permissions: id-token: write; or, on GitLab, set id_tokens: KATAKEI_ID_TOKEN"
        )
    drivers.exchange(identity, service)


def _abort(context: Context, session: RemoteSession, drivers: "ServerDrivers") -> None:
    """The job was canceled: the targets come back into service. An error here must not hide the exit code."""
    tr = reader()
    try:
        context.control(drivers).abort(session.plan.rollout)  # type: ignore[arg-type]  # the server carries it out
    except KatakeiError as error:
        text = tr("the abort could not be recorded: {error}", error=error_text(error, tr))
    else:
        text = tr("the abort of rollout {rollout} is recorded", rollout=session.plan.rollout)
    say(f"katakei: {text}", err=True)
