"""The screens in docs/screens: what a terminal shows, drawn from the views themselves.

`make docs` writes them, and a test compares them with the code. The pictures name no font that has to be fetched and no
other host.
"""

import io
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT  # the frame of `export_svg`, whose fonts come from another host
from rich.console import Console
from rich.text import Text
from tests.unit.given import NOON, a_plan, brought, given, later, seconds, t
from tests.unit.surveyed import HEALTHY

from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.model import Arn, Registration, RolloutId, Target, TargetId, TargetType
from katakei.domain.observation import HealthState, RegistrationHealth
from katakei.domain.overview import CarriedRelease, Driver, Knowledge, ListedRollout
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Floor, Plan
from katakei.domain.ports import GroupMember, ListedGroup, Liveness, RolloutHeader
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.spec import Command, OnFailure
from katakei.planning.forecast import forecast
from katakei.render.groups import status_text
from katakei.render.live_table import LiveView, live
from katakei.render.plan import plan_text
from katakei.render.recap import Invocation, recap
from katakei.render.rollout_list import list_text

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
FONTS = re.compile(r"\s*(@font-face \{\{.*?\}\}|<!--.*?-->)", re.DOTALL)
FRAME = FONTS.sub("", CONSOLE_SVG_FORMAT).replace(
    "font-family: Fira Code, monospace", "font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
)
ROLLOUT = RolloutId("r-7h2kabcd")
GROUP = "LaravelTargetGroup"
COMPOSER = "Loading composer repositories\nYour requirements could not be resolved to an installable set of packages.\n"
KIM = Owner("kim", "laptop", 4711, 1, "boot")


def documents() -> Mapping[Path, str]:
    """Every screen, with its picture."""
    with _tokyo():
        return {FOLDER / f"{name}.svg": picture(title, lines, columns) for name, title, columns, lines in screens()}


def screens() -> Iterator[tuple[str, str, int, Sequence[Text]]]:
    """The name of each screen, its title, the columns of its terminal, and its lines."""
    roll = "katakei roll --release v9"
    yield "live-60-draining", roll, 60, live(draining(), 60, 24)
    yield "live-60-manual", "katakei roll LaravelTargetGroup --manual", 60, live(manual(), 60, 24)
    yield "live-80-working", roll, 80, live(working(), 80, 24)
    yield "live-80-failed", roll, 80, live(failing(14, 2), 80, 24)
    yield "live-120-many", roll, 120, live(many(), 120, 30)
    yield "live-120-interrupted", roll, 120, live(replace(working(), interrupted=True), 120, 30)
    for name, title, text in (
        ("recap-failed", roll, failed_recap()),
        ("recap-done", roll, done_recap()),
        ("recap-interrupted", roll, interrupted_recap()),
        ("plan", "katakei plan --release v9", plan_text(plan_of(2), forecast(plan_of(2)))),
        ("status", f"katakei status {GROUP}", status()),
        ("list", "katakei list", rollouts()),
    ):
        yield name, title, 100, [Text(line) for line in text.splitlines()]


def picture(title: str, lines: Sequence[Text], columns: int) -> str:
    """These lines as a terminal shows them, as SVG."""
    wide = max([columns, *(line.cell_len for line in lines)])
    console = Console(file=io.StringIO(), record=True, width=wide, force_terminal=True, color_system="truecolor")
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    drawn = console.export_svg(title=title, code_format=FRAME, unique_id="screen")
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


@contextmanager
def _tokyo() -> Iterator[None]:
    """The screens show the time of the same zone on every machine."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


def plan_of(number: int, window: int = 1, **spec: object) -> Plan:
    """Servers web-1, web-2 and so on in two zones, behind one group whose delay is 300 s."""
    plan = a_plan(number, window=window, floor=number - window, zones=("ap-northeast-1a", "ap-northeast-1c"))
    arn = Arn(
        "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/0123456789abcdef"
    )
    group = replace(plan.groups[0], arn=arn, name=GROUP, delay=seconds(300))
    targets = tuple(_server(arn, target, index) for index, target in enumerate(plan.targets, 1))
    made = replace(plan.spec, service=GROUP, work=Command("ssm", "/opt/app/deploy"), limits=_limits(plan), **spec)  # type: ignore[arg-type]  # a screen's own choice of values
    return replace(
        plan,
        rollout=ROLLOUT,
        release="v9",
        spec=made,
        groups=(group,),
        targets=targets,
        floors={arn: Floor(number - window, number)},
        window=window,
    )


def _limits(plan: Plan) -> object:
    return replace(plan.spec.limits, working=seconds(900), warming=seconds(300), waiting=seconds(1800))


def _server(arn: Arn, target: Target, number: int) -> Target:
    name = TargetId(f"i-0f3a9c{number:011x}")
    return replace(
        target, id=name, name=f"web-{number}", address=f"10.0.1.{10 + number % 240}", registrations=(_place(arn, name),)
    )


def _place(arn: Arn, name: str) -> Registration:
    return Registration(arn, name, 80)


def _about(plan: Plan, number: int, why: Reason, others: int = 0) -> Reason:
    target = plan.targets[number]
    return reason(ReasonCode.TARGET_WAITS, target=target.id, name=target.name, why=why, others=others)


def _done(plan: Plan, numbers: Sequence[int]) -> list[e.Event]:
    return [event for number in numbers for event in brought(plan, Phase.DONE, number)]


def _failed(plan: Plan, number: int, at: float) -> list[e.Event]:
    key = e.WorkKey(plan.rollout, t(plan, number), 1, Intent.UPDATE)
    why = reason(ReasonCode.WORK_FAILED, exit=3, text=None)
    return [
        *brought(plan, Phase.WORKING, number),
        e.WorkEnded(later(at), key, 3, COMPOSER),
        e.PhaseChanged(later(at), t(plan, number), Phase.LEFT_OUT, "", None, Cause.FAILED, why),
    ]


def _skipped(plan: Plan, numbers: Sequence[int], at: float) -> list[e.Event]:
    return [e.PhaseChanged(later(at), t(plan, number), Phase.SKIPPED) for number in numbers]


def draining() -> LiveView:
    """Two targets, the first one drains."""
    plan = plan_of(2)
    probe = "3 connections with pending requests"
    why = reason(ReasonCode.DRAINING, waited=42.0, probe=probe, delay=300.0, left=258.0)
    return LiveView(given(plan, brought(plan, Phase.DRAINING)), _about(plan, 0, why), {}, forecast(plan), later(42))


def manual() -> LiveView:
    """Two targets, a person works on the first one."""
    plan = plan_of(2)
    plan = replace(plan, spec=replace(plan.spec, work=Command("manual", "")), release="")
    name = plan.targets[0].name
    why = reason(ReasonCode.APPROVAL_PENDING, waited=95.0, rollout=ROLLOUT, target=name)
    view = LiveView(given(plan, brought(plan, Phase.WORKING)), _about(plan, 0, why), {}, forecast(plan), later(95))
    return replace(view, takes_enter=True)


def working() -> LiveView:
    """Fourteen targets, the sixth one is worked on and prints."""
    plan = plan_of(14)
    rollout = given(plan, _done(plan, range(5)), brought(plan, Phase.WORKING, 5, later(400)))
    printed = "Already up to date.\nInstalling dependencies from lock file\n  - Installing laravel/framework\n"
    why = reason(ReasonCode.WORK_RUNNING, waited=41.0)
    view = LiveView(rollout, _about(plan, 5, why), {}, forecast(plan), later(441), (seconds(78),) * 5)
    return replace(view, outputs={t(plan, 5): printed})


def failing(number: int, out: int) -> LiveView:
    """One target failed while another one is on its way back."""
    plan = plan_of(number, out)
    story = [*_done(plan, range(3)), *_failed(plan, 3, 160), *brought(plan, Phase.WARMING, 4, later(150))]
    health = reason(
        ReasonCode.HEALTH, state="initial", description="Target registration is in progress", overridden=False
    )
    why = reason(ReasonCode.REGISTERED_NOT_SERVING, waited=12.0, health=health)
    return LiveView(given(plan, story), _about(plan, 4, why), {}, forecast(plan), later(162), (seconds(60),) * 3)


def many() -> LiveView:
    """A thousand targets, fifty out at a time."""
    plan = plan_of(1000, 50, on_failure=OnFailure(max_failures=5))
    phases = [Phase.SOAKING] * 12 + [Phase.WARMING] * 9 + [Phase.WORKING] * 16 + [Phase.DRAINING] * 13
    story = [*_done(plan, range(431)), *_failed(plan, 431, 2000)]
    for place, phase in enumerate(phases):
        story += brought(plan, phase, 432 + place, later(2100 + place))
    why = reason(ReasonCode.WORK_RUNNING, waited=39.0)
    spans = (seconds(212),) * 431
    return LiveView(given(plan, story), _about(plan, 453, why, 49), {}, forecast(plan), later(2160), spans)


def _carried(plan: Plan, **releases: str) -> Mapping[TargetId, str]:
    return {target.id: releases[target.name.replace("-", "")] for target in plan.targets}


def failed_rollout() -> Rollout:
    """The deploy failed on the first of two servers."""
    plan = plan_of(2)
    owner = e.OwnerChanged(NOON, KIM)
    return given(plan, [owner], _failed(plan, 0, 70), _skipped(plan, [1], 71), [e.Finished(later(72))])


def failed_recap() -> str:
    rollout = failed_rollout()
    serves = _carried(rollout.plan, web1="v9 (unconfirmed)", web2="v8")
    return recap(rollout, serves, Invocation(("roll",)), later(72))


def done_recap() -> str:
    plan = plan_of(2)
    rollout = given(plan, _done(plan, range(2)), [e.Finished(later(160))])
    return recap(rollout, _carried(plan, web1="v9", web2="v9"), Invocation(("roll",)), later(160))


def interrupted_recap() -> str:
    plan = plan_of(2)
    rollout = given(plan, brought(plan, Phase.WORKING), [e.Interrupted(later(40), "SIGINT")])
    return recap(rollout, _carried(plan, web1="v8", web2="v8"), Invocation(("roll", "-f", "shop.yml")), later(44))


def status() -> str:
    """The group after the failed deploy."""
    rollout = failed_rollout()
    plan = rollout.plan
    group = plan.groups[0]
    web = plan.targets[1]
    seen = RegistrationHealth(HealthState(HEALTHY), NOON, NOON)
    member = GroupMember(web.registrations[0], seen, web.id, web.name, web.address, web.zone, {})
    listed = ListedGroup(group.arn, group.name, 80, "HTTP", TargetType.INSTANCE, (member,))
    carried = {
        plan.targets[0].id: CarriedRelease("v9", ROLLOUT, Knowledge.UNCONFIRMED),
        web.id: CarriedRelease("v8", RolloutId("r-5t9qwxyz"), Knowledge.CONFIRMED),
    }
    return status_text(listed, [(plan.targets[0].registrations[0], rollout)], carried)


def rollouts() -> str:
    """A rollout that runs, one that failed and one that is done."""
    plan = plan_of(2)
    owner = [e.OwnerChanged(NOON, KIM)]
    runs = given(replace(plan, rollout=RolloutId("r-8m4npqrs"), release="v10"), owner, brought(plan, Phase.WORKING))
    earlier = replace(plan, rollout=RolloutId("r-5t9qwxyz"), release="v8")
    done = given(earlier, owner, _done(earlier, range(2)), [e.Finished(later(160))])
    return list_text(
        [_listed(runs, Liveness.ALIVE), _listed(failed_rollout(), Liveness.GONE), _listed(done, Liveness.GONE)],
        20,
        later(300),
    )


def _listed(rollout: Rollout, liveness: Liveness) -> ListedRollout:
    plan = rollout.plan
    header = RolloutHeader(plan.rollout, GROUP, tuple(plan.floors), rollout.begun, rollout.finished, "kim")
    return ListedRollout(header, rollout, Driver(KIM, liveness))
