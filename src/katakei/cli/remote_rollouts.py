"""`plan` and `roll` on a server: its stored services, with the words and the exit codes of a local rollout."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from katakei.app.remote import RemoteSession, start
from katakei.app.rollouts import CONFIRMATION_LIMIT
from katakei.cli.job_files import JobFiles
from katakei.cli.language import reader
from katakei.cli.messages import ask, on_terminal, say, say_json
from katakei.cli.options import Context
from katakei.cli.progress import Screen, drive
from katakei.domain.errors import ExitCode, RefusedError, UsageError
from katakei.domain.ports.server import RemotePlan, RemoteRequest
from katakei.planning.forecast import forecast
from katakei.render import plan as plan_text
from katakei.render.text import listed

if TYPE_CHECKING:
    from katakei.remote_bootstrap import ServerDrivers


def plan(context: Context, asked: RemoteRequest) -> None:
    """Shows the server's plan for a service; its only one where the request names none."""
    with context.server_drivers() as drivers:
        planned = drivers.commands.plan(_named(asked, drivers.commands.services()))
    if context.as_json:
        say_json(plan_text.plan_data(planned.plan, forecast(planned.plan), ()))
    else:
        say(plan_text.plan_text(planned.plan, forecast(planned.plan), reader()))


def roll(context: Context, asked: RemoteRequest, files: JobFiles, *, yes: bool) -> int:
    """Starts a rollout of a service at the server, and follows it to its end.

    Ctrl-C ends only the following.
    """
    with context.server_drivers() as drivers:
        asked = _named(asked, drivers.commands.services())
        screen = Screen(as_json=context.as_json)
        planned = None
        if on_terminal(0) and not yes:
            planned = drivers.commands.plan(asked)
            _show(planned, as_json=context.as_json)
            tr = reader()
            if not ask(tr("Go on? ({place})", place=plan_text.place(planned.plan, tr)), CONFIRMATION_LIMIT):
                raise RefusedError("not confirmed; nothing was changed")
        session = start(drivers, asked, planned)  # type: ignore[arg-type]  # it has what a session reads
        with files.begun(drivers, session.plan.rollout):  # type: ignore[arg-type]  # as above
            return follow(session, screen, drivers)


def follow(session: RemoteSession, screen: Screen, drivers: "ServerDrivers") -> ExitCode:
    """Shows a rollout of the server until it is finished, or until Ctrl-C."""
    code = drive(session, screen, drivers.sleep_inhibitor, journal=drivers.journal)  # type: ignore[arg-type]  # only read
    if session.detached and session.rollout.finished is None:
        name = session.plan.rollout
        tr = reader()
        text = tr("rollout {rollout} goes on at the server; to follow it: katakei logs -f {rollout}", rollout=name)
        say(f"katakei: {text}", err=True)
    return code


def _show(planned: RemotePlan, *, as_json: bool) -> None:
    if not as_json:
        say(plan_text.restore_text(planned.restore_lines, planned.restore_held, reader()))
        say(plan_text.plan_text(planned.plan, forecast(planned.plan), reader()))


def _named(asked: RemoteRequest, known: Sequence[str]) -> RemoteRequest:
    """The request with its service. Raises UsageError: there is no such service, or none is named and several exist."""
    if not asked.service and len(known) == 1:
        return replace(asked, service=known[0])
    if asked.service in known:
        return asked
    what = f"the server has no service {asked.service}" if asked.service else "which service?"
    raise UsageError(f"{what}; there are: {listed(known) or 'none that you may see'}")
