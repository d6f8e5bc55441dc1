"""The lab of one script: its configuration, faults of the work, and what the servers' files show.

Nothing here asks Katakei.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.soak.script import FAILING_WORK, Script, Work

from katakei.lab.envoy.control_plane import Admin
from katakei.lab.options import Target
from katakei.lab.process import Lab

CONFIGURATION = """\
service: soak
balancer:
  alb: {{target_groups: [LaravelTargetGroup]}}
window: {{max_unavailable: {window}, floor: {floor}}}
drain: {{settle: {settle}s, until: {until}{more}}}
work: {work}
check: {{http: {{path: /health, expect: 200}}, within: {within}}}
warm: {{soak: {soak}s}}
limits: {{working: {working}, waiting: 1m}}
on_failure: {{max_failures: {max_failures}, failed_target: {failed_target}}}
"""
COUNTER = ", quiet: 1s, counter: {command: 'curl -fsS http://$ADDRESS:$PORT/in-flight'}"
MORE = {"counter": COUNTER, "answered": ", quiet: 2s", "proof": "", "delay": ""}
MARK = 'echo "$KATAKEI_ROLLOUT/$KATAKEI_ATTEMPT $(date -u +%FT%T.%6N+00:00)" >> worked;'
WORK = (
    f"{{ssm: {{run: '{MARK}"
    " test ! -e bad || exit 7;"
    " test ! -e slow || sleep 4; test ! -e sick || KATAKEI_RELEASE=broken;"
    " test ! -e late || { touch unhealthy; (sleep 5; rm unhealthy) > /dev/null 2>&1 & };"
    ' echo "$KATAKEI_RELEASE" > release && ./bin/restart\'}}'
)
REVERT = f"revert: {{ssm: {{run: '{MARK} echo v1 > release && ./bin/restart'}}}}\n"
DROPPED = "upstream_cx_destroy_(?:local|remote)_with_active_rq|downstream_rq_5xx"
"""Envoy's counters of requests that failed: a connection that closed during a request, or a 5xx answer."""


@dataclass(frozen=True, slots=True)
class WorkStart:
    """One start of work as the target recorded it: rollout/attempt and time."""

    key: str
    at: datetime


def configuration(script: Script) -> str:
    """Returns the user's configuration file."""
    by_hand = script.work is Work.BY_HAND
    values = {name: getattr(script, name) for name in ("window", "floor", "settle", "until", "soak", "max_failures")}
    return (REVERT if script.then == "revert" else "") + CONFIGURATION.format(
        **values,
        more=MORE[script.until] + (", witness: ssm" if by_hand and script.until != "delay" else ""),
        work="{manual: }" if by_hand else WORK,
        working="8s" if script.work is Work.HANGS else "2m",
        within="5s" if script.work is Work.UNHEALTHY else "1m",
        failed_target=script.failed_target,
    )


def break_work(script: Script, lab: Lab) -> None:
    """Prepare the failing targets. Slow and late work is prepared on every target."""
    file = {Work.FAILS: "bad", Work.UNHEALTHY: "sick", Work.SLOW: "slow", Work.LATE: "late"}.get(script.work)
    places = script.bad if script.work in FAILING_WORK else range(script.targets)
    for place in places if file else ():
        (Path(lab.targets[place].folder) / str(file)).touch()
    if script.work is Work.HANGS:
        lab.faults(deploy_hangs=[lab.targets[place].id for place in script.bad])


def repair_work(lab: Lab) -> None:
    """Remove the causes of failing work from every target."""
    for target in lab.targets:
        for file in ("bad", "sick"):
            (Path(target.folder) / file).unlink(missing_ok=True)
    lab.faults(deploy_hangs=[])


def work_starts(lab: Lab) -> Mapping[str, tuple[WorkStart, ...]]:
    """Returns every recorded start of work, by target."""
    return {target.id: tuple(_begun(*line.split()) for line in _lines(target, "worked")) for target in lab.targets}


def _begun(key: str, at: str) -> WorkStart:
    return WorkStart(key, datetime.fromisoformat(at))


def releases(lab: Lab) -> Mapping[str, str]:
    """Returns the release that each server serves, from the log of its starts."""
    return {target.id: ([*_lines(target, "starts.log")][-1:] or [""])[0].split()[-1] for target in lab.targets}


def _lines(target: Target, name: str) -> Iterator[str]:
    log = Path(target.folder) / name
    yield from log.read_text().splitlines() if log.exists() else ()


def dropped_requests(lab: Lab) -> Counter[str]:
    """Returns Envoy's counters of failed requests since its start."""
    with closing(Admin(Path(lab.targets[0].folder).parents[1] / "envoy")) as admin:
        return Counter({name: int(value) for name, value in admin.statistics(DROPPED).items()})
