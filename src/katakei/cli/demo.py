"""The demo: a rollout on the lab, under load, with the command that a user would type; then the figures.

The figures come from outside: the clients count the requests, and the servers answer with their release.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click

from katakei.app.queries import Queries
from katakei.bootstrap import open_drivers
from katakei.domain.errors import ExitCode
from katakei.domain.events import Event
from katakei.lab.errors import LabError
from katakei.lab.options import LabOptions, Target
from katakei.lab.process import Lab
from katakei.lab.traffic import Figures, Traffic
from katakei.reconcile.outcome import drained, out_of_service
from katakei.render.json_data import Plain, output
from katakei.render.text import span

RATE = 50
OPTIONS = LabOptions(
    targets=2, delay=timedelta(seconds=300), lag=timedelta(seconds=2), interval=timedelta(seconds=2), port=8080
)
LONGEST = timedelta(minutes=15)  # even where no evidence is found, and both timers have to be waited for
CONFIGURATION = """\
# Settle is short here because the lab's lag is 2 s. On a real load balancer keep it at 30 s.
service: demo
balancer:
  alb: {target_groups: [LaravelTargetGroup]}
drain: {settle: 5s, until: proof}
work:
  ssm: {run: 'echo "$KATAKEI_RELEASE" > release && ./bin/restart'}
check: {http: {path: /health, expect: 200}, within: 30s}
warm: {soak: 3s}
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen from outside."""

    exit: int
    traffic: Figures
    releases: Mapping[str, str]
    events: Sequence[Event]

    @property
    def out(self) -> Mapping[str, float]:
        """How many seconds each target was out, by the journal of the rollout."""
        return {target: span.total_seconds() for target, span in out_of_service(self.events).items()}

    @property
    def took(self) -> timedelta:
        """How long the whole rollout took."""
        return self.events[-1].at - self.events[0].at

    @property
    def by_timer(self) -> timedelta:
        """How long it would have taken with each drain waiting for the load balancer's timer."""
        return self.took + sum((OPTIONS.delay - span for span in drained(self.events).values()), timedelta())

    @property
    def well(self) -> bool:
        """Whether no request failed and every server serves v2."""
        return self.exit == ExitCode.DONE and self.traffic.failed == 0 and set(self.releases.values()) == {"v2"}


def demo(*, as_json: bool) -> int:
    """Runs the demo. Returns 0 only if no request failed and both targets serve v2."""
    try:
        with tempfile.TemporaryDirectory(prefix="katakei-demo-") as folder, Lab(OPTIONS) as lab:
            seen = _rolled(lab, Path(folder), as_json=as_json)
    except LabError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(_data(seen)) if as_json else _text(seen))
    return ExitCode.DONE if seen.well else ExitCode.FAILED


def _rolled(lab: Lab, folder: Path, *, as_json: bool) -> Seen:
    click.echo(
        f"The lab is up: {lab.url} serves v1 from {len(lab.targets)} servers, {RATE} requests a second.", err=True
    )
    traffic = Traffic(lab.url, RATE, longest=LONGEST)
    traffic.start()
    try:
        (folder / "katakei.yml").write_text(CONFIGURATION)
        code = _roll(lab, folder, as_json=as_json)
    finally:
        figures = traffic.stop()
    return Seen(code, figures, {target.id: _release(target) for target in lab.targets}, _events(folder))


def _events(folder: Path) -> Sequence[Event]:
    with open_drivers(journal=str(folder / "journal.db")) as drivers:
        queries = Queries(drivers)
        return [event for each in queries.rollouts(None, 0) for event in queries.events(each.header.rollout)]


def _roll(lab: Lab, folder: Path, *, as_json: bool) -> int:
    command = [sys.executable, "-P", "-m", "katakei.cli", "roll", "-f", "katakei.yml", "--release", "v2", "--yes"]
    command += ["--journal", str(folder / "journal.db")]
    output = subprocess.DEVNULL if as_json else None
    env = lab.over(os.environ)
    return subprocess.run(command, cwd=folder, env=env, stdout=output, check=False, timeout=LONGEST.seconds).returncode  # noqa: S603 - our own program


def _release(target: Target) -> str:
    url = f"http://{target.address}:{target.port}/"
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(json.load(answer)["release"])


def _text(seen: Seen) -> str:
    lines = [
        f"requests: {seen.traffic.requests} ({seen.traffic.slow} of them slow, 3 s)",
        f"failed requests: {seen.traffic.failed}",
        *(f"  {each.at:%H:%M:%S} {each.path} {each.status} {each.why}" for each in seen.traffic.first_failures),
        *(
            f"{target} was out for {seconds:.0f} s, serves {seen.releases[target]}"
            for target, seconds in seen.out.items()
        ),
        f"all of it took {span(seen.took)}",
        f"a script that waits for the timer of {span(OPTIONS.delay)} would have needed {span(seen.by_timer)}",
    ]
    return "\n".join(lines)


def _data(seen: Seen) -> dict[str, Plain]:
    return output(
        "demo",
        exit=seen.exit,
        requests=seen.traffic.requests,
        slow=seen.traffic.slow,
        failed=seen.traffic.failed,
        releases={**seen.releases},
        seconds_out={**seen.out},
        seconds=seen.took.total_seconds(),
        seconds_by_timer=seen.by_timer.total_seconds(),
    )
