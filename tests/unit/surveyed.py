"""Builders for tests of planning: a survey in which all is well but for what a test changes, and plans made from it."""

from collections.abc import Sequence

import pytest
from tests.unit.given import NOON, a_group, a_spec, a_target

from katakei.domain.errors import RefusedError
from katakei.domain.model import Group, RolloutId
from katakei.domain.observation import HealthState, RegistrationHealth
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.ports import GroupMember
from katakei.domain.reasons import Reason
from katakei.domain.spec import Share, Spec
from katakei.planning.planner import make
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks, PlanRequest, Survey

HEALTHY, DRAINING, DOWN = HealthState.HEALTHY, HealthState.DRAINING, HealthState.UNHEALTHY
WEB = a_group()


def a_survey(
    states: Sequence[HealthState] = (HEALTHY, HEALTHY), groups: Sequence[Group] = (WEB,), **more: object
) -> Survey:
    """Targets in zones a, c, a, c … in every group."""
    targets = [a_target(number, groups) for number in range(len(states))]
    members = {
        group.arn: tuple(
            GroupMember(
                t.registrations[n],
                RegistrationHealth(state, NOON, NOON),
                t.id,
                t.name,
                t.address,
                t.zone,
                {"Role": f"r{number}"},
            )
            for number, (t, state) in enumerate(zip(targets, states, strict=True))
        )
        for n, group in enumerate(groups)
    }
    return Survey(tuple(groups), members, **more)  # type: ignore[arg-type]  # a test's own choice of values


def asked(spec: Spec | None = None, kind: PlanKind = PlanKind.ROLL, *, waits: bool = True) -> PlanRequest:
    versions = {"katakei": "test"}
    return PlanRequest(
        RolloutId("r1"), kind, spec or a_spec(), "v2", "123456789012", "eu-north-1", "kim", versions, waits
    )


def planned(
    survey: Survey, allowed: AcceptedRisks = NO_ACCEPTED_RISKS, kind: PlanKind = PlanKind.ROLL, **spec: object
) -> Plan:
    return make(asked(a_spec(**spec), kind), survey, allowed)


def refused(
    survey: Survey, allowed: AcceptedRisks = NO_ACCEPTED_RISKS, kind: PlanKind = PlanKind.ROLL, **spec: object
) -> tuple[Reason, ...]:
    """Every reason against this plan."""
    with pytest.raises(RefusedError) as why:
        planned(survey, allowed, kind, **spec)
    return why.value.reasons


def numbers(plan: Plan) -> list[int]:
    """The targets of a plan by number."""
    return [int(target.name.removeprefix("web")) for target in plan.targets]


def share(text: str) -> Share:
    number = int(text.rstrip("%"))
    return Share(percent=number) if text.endswith("%") else Share(count=number)
