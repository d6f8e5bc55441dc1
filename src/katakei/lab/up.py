"""Command `lab up`, which runs one lab in this process until a signal ends it.

The parts of a lab are imported only when one is started, so that `katakei --help` stays fast.
"""

import os
import signal
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from katakei.lab import botocore_loader

if TYPE_CHECKING:
    from katakei.lab.options import LabInfo, LabOptions


@click.command()
@click.option("--targets", default=2, show_default=True, help="How many servers.")
@click.option("--delay", default=300, show_default=True, help="Deregistration delay, seconds.")
@click.option("--lag", default=0.0, show_default=True, help="How much later than the API traffic follows, seconds.")
@click.option("--interval", default=10.0, show_default=True, help="Between two health checks of a target, seconds.")
@click.option("--port", default=80, show_default=True, help="Port of the target group and of its servers.")
@click.option("--zones", metavar="LETTERS", default="a,c", show_default=True, help="Zones the servers are spread over.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON when ready.")
@click.option("--while-stdin", is_flag=True, hidden=True, help="End when standard input does.")
def up(  # noqa: PLR0913 - one argument for each option
    *, targets: int, delay: int, lag: float, interval: float, port: int, zones: str, as_json: bool, while_stdin: bool
) -> None:
    """Start a local AWS: target group, load balancer, servers. Ctrl-C ends it."""
    ending = threading.Event()
    _end_on_signals(ending)
    if while_stdin:
        threading.Thread(target=_until_eof, args=(ending,), daemon=True).start()
    from katakei.lab.errors import LabError  # noqa: PLC0415 - as above
    from katakei.lab.options import LabOptions  # noqa: PLC0415 - needed only by a running lab

    try:
        options = LabOptions(
            targets=targets,
            delay=_span(delay),
            lag=_span(lag),
            interval=_span(interval),
            port=port,
            zones=tuple(zone.strip() for zone in zones.split(",")),
        )
        _remove_aws_variables()
        _run(options, ending, as_json=as_json)
    except LabError as error:
        raise click.ClickException(str(error)) from error


def _remove_aws_variables() -> None:
    """Remove AWS variables: the lab's own libraries must not use a profile or an endpoint of the user."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]


def _span(seconds: float) -> timedelta:
    """Convert to a duration. A value that is no duration becomes one that is too short and is rejected later."""
    try:
        return timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return timedelta(seconds=-1)


def _run(options: "LabOptions", ending: threading.Event, *, as_json: bool) -> None:
    try:
        botocore_loader.share()
        from katakei.lab.assembly import assembled  # noqa: PLC0415 - slow to import, and installed only with the `lab` extra
    except ImportError as error:
        raise click.ClickException(
            f"the lab needs its extra: pip install 'katakei[lab]' (missing: {error.name})"
        ) from error
    with assembled(options, ending) as facts:
        if facts is not None:
            click.echo(facts.line() if as_json else _welcome(facts))
            sys.stdout.flush()
            ending.wait()


def _end_on_signals(ending: threading.Event) -> None:
    """Set `ending` on SIGINT, SIGTERM, and SIGHUP unless nohup ignores it.

    A thread sets it, because a signal handler that sets an Event can deadlock with the wait that it interrupts.
    """
    ours = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        ours.append(signal.SIGHUP)
    received, notify = os.pipe()
    os.set_blocking(notify, False)
    signal.set_wakeup_fd(notify)
    for each in ours:
        signal.signal(each, lambda _number, _frame: None)
    threading.Thread(target=_until_signal, args=(ending, received, frozenset(ours)), daemon=True).start()


def _until_signal(ending: threading.Event, received: int, ours: frozenset[int]) -> None:
    while not ours & frozenset(os.read(received, 64)):
        pass
    ending.set()


def _until_eof(ending: threading.Event) -> None:
    # os.read instead of sys.stdin: this thread would hold the lock of its buffer when Python ends.
    while os.read(0, 4096):
        pass
    ending.set()


def _welcome(facts: "LabInfo") -> str:
    servers = "\n".join(f"  {t.id}  {t.zone}  {t.address}:{t.port}  {t.folder}" for t in facts.targets)
    exports = "\n".join(f"  export {name}={value}" for name, value in facts.env.items())
    return (
        f"The lab is up: {facts.url}\n\nServers (each folder has release, bin/restart, starts.log):\n{servers}\n\n"
        f"In another terminal:\n  unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN\n{exports}\n\n"
        '  aws elbv2 describe-target-health --target-group-arn "$TARGET_GROUP_ARN"\n'
        f'  curl -X POST {facts.endpoint}/_lab/faults -H "X-Katakei-Lab-Key: $KATAKEI_LAB_KEY"'
        " -d '{\"throttle\": 0.3}'\n\nOnly who knows these keys commands the lab. Ctrl-C ends it."
    )
