"""Given: a survey in which all is well but for what a test says, and what is planned upon it."""

from collections.abc import Sequence

import pytest
from tests.core.given import NOON, a_group, a_spec, a_target

from katakei.domain.errors import Refused
from katakei.domain.model import Group, RolloutId
from katakei.domain.observation import Seen, State
from katakei.domain.plan import Kind, Plan
from katakei.domain.ports import Member
from katakei.domain.spec import Share, Spec
from katakei.planning.planner import make
from katakei.planning.survey import NOTHING_ALLOWED, Allowed, Asked, Survey

HEALTHY, DRAINING, DOWN = State.HEALTHY, State.DRAINING, State.UNHEALTHY
WEB = a_group()


def a_survey(states: Sequence[State] = (HEALTHY, HEALTHY), groups: Sequence[Group] = (WEB,), **more: object) -> Survey:
    """Targets in zones a, c, a, c … in every group."""
    targets = [a_target(number, groups) for number in range(len(states))]
    members = {
        group.arn: tuple(
            Member(t.registrations[n], Seen(state, NOON, NOON), t.id, t.name, t.address, t.zone, {"Role": f"r{number}"})
            for number, (t, state) in enumerate(zip(targets, states, strict=True))
        )
        for n, group in enumerate(groups)
    }
    return Survey(tuple(groups), members, **more)  # type: ignore[arg-type]  # a test's own choice of values


def asked(spec: Spec | None = None, kind: Kind = Kind.ROLL, *, waits: bool = True) -> Asked:
    versions = {"katakei": "test"}
    return Asked(RolloutId("r1"), kind, spec or a_spec(), "v2", "123456789012", "eu-north-1", "kim", versions, waits)


def planned(survey: Survey, allowed: Allowed = NOTHING_ALLOWED, kind: Kind = Kind.ROLL, **spec: object) -> Plan:
    return make(asked(a_spec(**spec), kind), survey, allowed)


def refused(survey: Survey, allowed: Allowed = NOTHING_ALLOWED, kind: Kind = Kind.ROLL, **spec: object) -> str:
    with pytest.raises(Refused) as why:
        planned(survey, allowed, kind, **spec)
    return str(why.value)


def numbers(plan: Plan) -> list[int]:
    """The targets of a plan by number."""
    return [int(target.name.removeprefix("web")) for target in plan.targets]


def share(text: str) -> Share:
    number = int(text.rstrip("%"))
    return Share(percent=number) if text.endswith("%") else Share(count=number)
