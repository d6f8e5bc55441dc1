"""Given: rollouts that stand anywhere, and sights of a world in which all is well but for what a test says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from katakei.domain import events as e
from katakei.domain.actions import Deregister, Note, Register, Rest, Start, Step
from katakei.domain.leases import Owner
from katakei.domain.model import Arn, Group, HealthCheck, Registration, RolloutId, Target, TargetId, TargetType
from katakei.domain.observation import Answer, Attributes, Evidence, GroupSight, Seen, Sight, State, Work
from katakei.domain.phases import Phase
from katakei.domain.plan import Floor, Kind, Plan
from katakei.domain.replay import Rollout, replay
from katakei.domain.spec import Check, Command, Drain, Limits, Spec
from katakei.reconcile.decide import decide

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

P = Phase
OUTWARD = (P.DRAINING, P.OUT, P.WORKING, P.CHECKING, P.WARMING, P.SOAKING)
WAYS: Mapping[Phase, tuple[Phase, ...]] = {
    P.WAITING: (),
    **{phase: OUTWARD[: number + 1] for number, phase in enumerate(OUTWARD)},
    P.DONE: (*OUTWARD, P.DONE),
    P.FAILED_SERVING: (*OUTWARD, P.FAILED_SERVING),
    P.RETURNING: (P.DRAINING, P.RETURNING),
    P.RETURNED: (P.DRAINING, P.RETURNING, P.RETURNED),
    P.LEFT_OUT: (P.DRAINING, P.OUT, P.WORKING, P.LEFT_OUT),
    P.SKIPPED: (P.SKIPPED,),
    P.GONE: (P.GONE,),
}


def later(number: float) -> datetime:
    """So many seconds after noon."""
    return NOON + seconds(number)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def a_group(name: str = "web", *, ip: bool = False, **changes: object) -> Group:
    values: dict[str, object] = {
        "arn": Arn(f"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/{name}/0123456789abcdef"),
        "name": name,
        "port": 80,
        "protocol": "HTTP",
        "protocol_version": "HTTP1",
        "target_type": TargetType.IP if ip else TargetType.INSTANCE,
        "delay": seconds(40),
        "idle_timeout": seconds(60),
        "check": HealthCheck("HTTP", None, "/health", "200", seconds(10), seconds(5), 2, 2),
        "cross_zone": True,
        "slow_start": seconds(0),
        "minima": (),
        "load_balancers": (Arn("arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/lb/1"),),
        "balancer_type": "application",
    }
    return Group(**{**values, **changes})  # type: ignore[arg-type]  # a test's own choice of values


def a_target(number: int, groups: Iterable[Group], zones: Sequence[str] = ("a", "c")) -> Target:
    name = TargetId(f"i-{number:017x}")
    places = tuple(Registration(group.arn, name, group.port) for group in groups)
    return Target(name, f"web{number}", f"10.0.0.{number}", zones[number % len(zones)], places)


def a_spec(**changes: object) -> Spec:
    values: dict[str, object] = {
        "service": "shop",
        "groups": ("web",),
        "work": Command("ssm", "true"),
        "drain": Drain(settle=seconds(30)),
        "check": Check(within=seconds(20)),
        "soak": seconds(10),
        "limits": Limits(working=seconds(60), warming=seconds(60), waiting=seconds(600)),
    }
    return Spec(**{**values, **changes})  # type: ignore[arg-type]  # a test's own choice of values


def a_plan(
    targets: int = 2,
    *,
    groups: int = 1,
    window: int = 1,
    floor: int = 1,
    per_zone: int = 0,
    ip: bool = False,
    kind: Kind = Kind.ROLL,
    waits: bool = True,
    begin: Phase = Phase.WAITING,
    zones: Sequence[str] = ("a", "c"),
    **spec: object,
) -> Plan:
    everywhere = tuple(a_group(f"web{n}", ip=ip) for n in range(groups))
    return Plan(
        rollout=RolloutId("r-test"),
        kind=kind,
        spec=a_spec(**spec),
        release="v2",
        account="123456789012",
        region="ap-northeast-1",
        groups=everywhere,
        targets=tuple(a_target(n, everywhere, zones) for n in range(targets)),
        bystanders=(),
        window=window,
        floors={group.arn: Floor(floor, targets, per_zone) for group in everywhere},
        who="tester",
        versions={"katakei": "test"},
        begin=begin,
        waits=waits,
    )


def t(plan: Plan, number: int = 0) -> TargetId:
    return plan.targets[number].id


def facts(plan: Plan, phase: Phase, number: int = 0, at: datetime = NOON) -> list[e.Event]:
    """What is written of a target once it has come through a phase without trouble."""
    name = t(plan, number)
    everywhere = [place.group for place in plan.targets[number].registrations]
    match phase:
        case Phase.DRAINING:
            return [*(e.Deregistered(at, arn, (name,)) for arn in everywhere), e.SeenOut(at, name)]
        case Phase.WORKING:
            return [e.Started(at, replay([e.Planned(at, plan)]).key(name), "ticket")]
        case Phase.WARMING | Phase.RETURNING:
            return [*(e.Registered(at, arn, (name,)) for arn in everywhere), e.SeenServing(at, name)]
        case _:
            return []


def called(plan: Plan, at: float = 0) -> list[e.Event]:
    """The register calls have returned."""
    return facts(plan, Phase.WARMING, at=later(at))[:-1]


def brought(plan: Plan, phase: Phase, number: int = 0, at: datetime = NOON, *, bare: bool = False) -> list[e.Event]:
    """The way of one target to a phase; `bare`: it has only just come there, nothing of that phase has happened."""
    events: list[e.Event] = []
    for step in WAYS[phase]:
        events += [e.Baselined(at, t(plan, number), "")] if step is Phase.DRAINING else []
        events.append(e.Moved(at, t(plan, number), step))
        events += [] if bare and step is phase else facts(plan, step, number, at)
    return events


def given(plan: Plan, *stories: Iterable[e.Event]) -> Rollout:
    """The rollout after these stories."""
    return replay([e.Planned(NOON, plan), *(event for story in stories for event in story)])


def standing(plan: Plan, phase: Phase, *extra: e.Event, bare: bool = False) -> Rollout:
    """The rollout whose first target stands in this phase since noon, and what happened then."""
    return given(plan, brought(plan, phase, bare=bare), extra)


def seen(
    rollout: Rollout,
    at: datetime,
    states: Mapping[int, State] | None = None,
    *,
    places: Mapping[Registration, State] | None = None,
    work: Work | None = None,
    answer: Answer | None = None,
    evidence: Evidence | None = None,
    age: timedelta = timedelta(),
) -> Sight:
    """A look at everything, `age` before `at`: healthy but for the states told, by target number or by place."""
    plan = rollout.plan
    told = {
        place: (states or {}).get(number, State.HEALTHY)
        for number, who in enumerate(plan.targets)
        for place in who.registrations
    } | dict(places or {})
    begun = at - age
    looks = {place: Seen(state, begun, begun) for place, state in told.items()}
    first = t(plan)
    return Sight(
        groups={g.arn: GroupSight({p: s for p, s in looks.items() if p.group == g.arn}, begun) for g in plan.groups},
        works={rollout.key(first): work} if work else {},
        answers={first: answer} if answer else {},
        evidence={first: evidence} if evidence else {},
        attributes={g.arn: Attributes(begun) for g in plan.groups},
    )


def older(sight: Sight, place: Registration, by: float) -> Sight:
    """The same, with one registration looked at so many seconds earlier."""
    group = sight.groups[place.group]
    look = group.seen[place]
    early = replace(look, begun=look.begun - seconds(by), ended=look.ended - seconds(by))
    return replace(sight, groups={**sight.groups, place.group: replace(group, seen={**group.seen, place: early})})


def decided(rollout: Rollout, sight: Sight, now: datetime) -> tuple[Step, ...]:
    return decide(rollout, sight, now)


def moves(steps: Iterable[Step]) -> dict[TargetId, Phase]:
    """Who is moved where."""
    return {move.target: move.to for move in moved(steps)}


def moved(steps: Iterable[Step]) -> list[e.Moved]:
    return [step.event for step in steps if isinstance(step, Note) and isinstance(step.event, e.Moved)]


def notes(steps: Iterable[Step]) -> list[type[e.Event]]:
    """The kinds of events that are to be written."""
    return [type(step.event) for step in steps if isinstance(step, Note)]


def deregistered(steps: Iterable[Step]) -> list[TargetId]:
    return [step.target for step in steps if isinstance(step, Deregister)]


def registered(steps: Iterable[Step]) -> list[TargetId]:
    return [step.target for step in steps if isinstance(step, Register)]


def started(steps: Iterable[Step]) -> list[e.Key]:
    return [step.key for step in steps if isinstance(step, Start)]


def whys(steps: Iterable[Step]) -> str:
    """All the sentences that say why it waits."""
    return " | ".join(step.why for step in steps if isinstance(step, Rest))


def turn(
    rollout: Rollout, at: float, first: State = State.HEALTHY, second: State = State.HEALTHY, **more: object
) -> Sequence[Step]:
    """What is decided so many seconds after noon, when the first two targets are seen so."""
    sight = seen(rollout, later(at), {0: first, 1: second}, **more)  # type: ignore[arg-type]  # as `seen` takes them
    return decide(rollout, sight, later(at))


def taken(at: float) -> e.Taken:
    """Another process takes the rollout in hand."""
    return e.Taken(later(at), Owner("deploy", "host", 7, 7, "boot"))
