"""Given: rollouts that stand anywhere, and sights of a world in which all is well but for what a test says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, Deregister, Record, Register, StartWork, Wait
from katakei.domain.freezes import Freeze, FreezeReading
from katakei.domain.leases import Owner
from katakei.domain.model import Arn, Group, HealthCheck, Registration, RolloutId, Target, TargetId, TargetType
from katakei.domain.observation import (
    AttributesReading,
    CheckResult,
    DrainEvidence,
    GroupObservation,
    HealthState,
    Observation,
    RegistrationHealth,
    WorkStatus,
)
from katakei.domain.phases import Phase
from katakei.domain.plan import Floor, Plan, PlanKind
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout, replay
from katakei.domain.spec import Check, Command, Drain, Limits, Spec
from katakei.reconcile.decide import decide
from katakei.render.reasons import sentence

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
    kind: PlanKind = PlanKind.ROLL,
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
            return [*(e.Deregistered(at, arn, (name,)) for arn in everywhere), e.ObservedOut(at, name)]
        case Phase.WORKING:
            return [e.Started(at, replay([e.Planned(at, plan)]).key(name), "ticket")]
        case Phase.WARMING | Phase.RETURNING:
            return [*(e.Registered(at, arn, (name,)) for arn in everywhere), e.ObservedServing(at, name)]
        case _:
            return []


def called(plan: Plan, at: float = 0) -> list[e.Event]:
    """The register calls have returned."""
    return facts(plan, Phase.WARMING, at=later(at))[:-1]


def brought(plan: Plan, phase: Phase, number: int = 0, at: datetime = NOON, *, bare: bool = False) -> list[e.Event]:
    """The way of one target to a phase; `bare`: it has only just come there, nothing of that phase has happened."""
    events: list[e.Event] = []
    for action in WAYS[phase]:
        events += [e.BaselineTaken(at, t(plan, number), "")] if action is Phase.DRAINING else []
        events.append(e.PhaseChanged(at, t(plan, number), action))
        events += [] if bare and action is phase else facts(plan, action, number, at)
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
    states: Mapping[int, HealthState] | None = None,
    *,
    places: Mapping[Registration, HealthState] | None = None,
    work: WorkStatus | None = None,
    answer: CheckResult | None = None,
    evidence: DrainEvidence | None = None,
    age: timedelta = timedelta(),
    freezes: tuple[Freeze, ...] = (),
) -> Observation:
    """A look at everything, `age` before `at`: healthy but for the states told, by target number or by place."""
    plan = rollout.plan
    told = {
        place: (states or {}).get(number, HealthState.HEALTHY)
        for number, who in enumerate(plan.targets)
        for place in who.registrations
    } | dict(places or {})
    begun = at - age
    looks = {place: RegistrationHealth(state, begun, begun) for place, state in told.items()}
    first = t(plan)
    return Observation(
        groups={
            g.arn: GroupObservation({p: s for p, s in looks.items() if p.group == g.arn}, begun) for g in plan.groups
        },
        works={rollout.key(first): work} if work else {},
        places=dict.fromkeys(rollout.targets, ""),
        answers={first: answer} if answer else {},
        evidence={first: evidence} if evidence else {},
        attributes={g.arn: AttributesReading(begun) for g in plan.groups},
        freezes=FreezeReading(begun, begun, freezes),
    )


def older(observation: Observation, place: Registration, by: float) -> Observation:
    """The same, with one registration looked at so many seconds earlier."""
    group = observation.groups[place.group]
    look = group.seen[place]
    early = replace(look, begun=look.begun - seconds(by), ended=look.ended - seconds(by))
    return replace(
        observation, groups={**observation.groups, place.group: replace(group, seen={**group.seen, place: early})}
    )


def decided(rollout: Rollout, observation: Observation, now: datetime) -> tuple[Action, ...]:
    return decide(rollout, observation, now)


def moves(actions: Iterable[Action]) -> dict[TargetId, Phase]:
    """Who is moved where."""
    return {move.target: move.to for move in moved(actions)}


def moved(actions: Iterable[Action]) -> list[e.PhaseChanged]:
    return [event for event in written(actions) if isinstance(event, e.PhaseChanged)]


def written(actions: Iterable[Action]) -> list[e.Event]:
    """The events that are to be written."""
    return [action.event for action in actions if isinstance(action, Record)]


def records(actions: Iterable[Action]) -> list[e.Event]:
    """The events that are to be written, without the acknowledgment of a command."""
    return [event for event in written(actions) if not isinstance(event, e.CommandAcknowledged)]


def notes(actions: Iterable[Action]) -> list[type[e.Event]]:
    """The kinds of events that are to be written."""
    return [type(event) for event in written(actions)]


def deregistered(actions: Iterable[Action]) -> list[TargetId]:
    return [action.target for action in actions if isinstance(action, Deregister)]


def registered(actions: Iterable[Action]) -> list[TargetId]:
    return [action.target for action in actions if isinstance(action, Register)]


def started(actions: Iterable[Action]) -> list[e.WorkKey]:
    return [action.key for action in actions if isinstance(action, StartWork)]


ABORTED = reason(ReasonCode.ABORTED, by="kim")


def text(words: str) -> Reason:
    """A reason that is only words, for a test to which it does not matter."""
    return reason(ReasonCode.RECORDED_TEXT, text=words)


def why(event: e.PhaseChanged | e.TargetAdded) -> str:
    """The sentence of an event's reason, as a person reads it."""
    return sentence(e.reason_of(event))


def whys(actions: Iterable[Action]) -> str:
    """The sentences of all waits, as a person reads them."""
    return " | ".join(sentence(action.reason) for action in actions if isinstance(action, Wait))


def turn(
    rollout: Rollout,
    at: float,
    first: HealthState = HealthState.HEALTHY,
    second: HealthState = HealthState.HEALTHY,
    **more: object,
) -> Sequence[Action]:
    """What is decided so many seconds after noon, when the first two targets are seen so."""
    observation = seen(rollout, later(at), {0: first, 1: second}, **more)  # type: ignore[arg-type]  # as `seen` takes them
    return decide(rollout, observation, later(at))


def taken(at: float) -> e.OwnerChanged:
    """Another process takes the rollout in hand."""
    return e.OwnerChanged(later(at), Owner("deploy", "host", 7, 7, "boot"))
