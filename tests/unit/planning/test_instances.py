"""The rules of plans whose work acts on the machines themselves."""

from dataclasses import replace

import pytest
from tests.unit.given import a_group
from tests.unit.surveyed import a_survey, planned, refused

from katakei.domain.instances import (
    Disruption,
    InstanceAction,
    InstanceActionKind,
    InstanceFacts,
    InstanceSurvey,
    TypeFacts,
)
from katakei.domain.model import TargetId
from katakei.domain.plan import PlanKind
from katakei.domain.spec import Check, Command, HttpCheck
from katakei.planning.reasons import PlanCode, reason
from katakei.planning.survey import AcceptedRisks, Survey

REBOOT = Command("ec2", instance=InstanceAction(InstanceActionKind.REBOOT))
STOP = Command("ec2", instance=InstanceAction(InstanceActionKind.STOP_START))
RESIZE = Command("ec2", instance=InstanceAction(InstanceActionKind.STOP_START, "m7g.large"))
FIRST, SECOND = TargetId("i-00000000000000000"), TargetId("i-00000000000000001")
INTEL = TypeFacts(("i386", "x86_64"), instance_store=False)
LOCAL_DISKS = TypeFacts(("x86_64",), instance_store=True)
PLAIN = InstanceFacts("t3.small", "x86_64")


def surveyed(facts: InstanceFacts = PLAIN, **types: TypeFacts) -> Survey:
    known = {"t3.small": INTEL, **{name.replace("_", "."): each for name, each in types.items()}}
    return a_survey(instances=InstanceSurvey({FIRST: facts, SECOND: PLAIN}, known))


@pytest.mark.parametrize("most", [None, Disruption.REBOOT, Disruption.STOP_START])
def test_disruption_within_the_ceiling_is_planned(most: Disruption | None) -> None:
    assert planned(a_survey(), work=REBOOT, disruption=most).spec.disruption is most


def test_work_and_revert_above_the_ceiling_are_refused() -> None:
    found = refused(a_survey(), work=REBOOT, revert=Command("ssm", "./undo"), disruption=Disruption.NONE)
    assert found == (
        reason(PlanCode.TOO_DISRUPTIVE, command="ec2: reboot", disruption="reboot", most="none"),
        reason(PlanCode.TOO_DISRUPTIVE, command="ssm: ./undo", disruption="restart", most="none"),
    )


def test_manual_step_is_no_disruption() -> None:
    plan = planned(a_survey(), kind=PlanKind.REGISTER, work=REBOOT, disruption=Disruption.NONE)
    assert plan.kind is PlanKind.REGISTER


def test_addresses_are_no_instances() -> None:
    survey = a_survey()
    members = {
        group: tuple(replace(each, machine=TargetId("10.0.0.9")) if each.machine == FIRST else each for each in some)
        for group, some in survey.members.items()
    }
    found = refused(replace(survey, members=members), work=REBOOT)
    assert found == (reason(PlanCode.NOT_AN_INSTANCE, targets=("10.0.0.9",)),)


@pytest.mark.parametrize("work", [REBOOT, Command("ssm", "true")])
def test_machines_that_are_not_stopped_need_no_survey(work: Command) -> None:
    survey = replace(surveyed(replace(PLAIN, spot=True, public_address_changes=True)))
    assert planned(survey, work=work).notices == ()


def test_auto_scaling_member_is_not_stopped() -> None:
    survey = surveyed()
    tagged = {
        group: tuple(
            replace(each, tags={"aws:autoscaling:groupName": "web"}) if each.machine == FIRST else each for each in some
        )
        for group, some in survey.members.items()
    }
    found = refused(replace(survey, members=tagged), work=STOP)
    assert found == (reason(PlanCode.STOP_IN_AUTO_SCALING, targets=(FIRST,)),)
    assert planned(replace(survey, members=tagged), work=REBOOT).targets


@pytest.mark.parametrize(
    ("facts", "text"),
    [(replace(PLAIN, spot=True), "spot"), (replace(PLAIN, root_on_instance_store=True), "instance_store")],
)
def test_instance_that_cannot_be_stopped_is_refused(facts: InstanceFacts, text: str) -> None:
    found = refused(surveyed(facts), work=STOP)
    assert found == (reason(PlanCode.CANNOT_BE_STOPPED, target=FIRST, text=text),)


def test_unknown_instance_type_is_refused() -> None:
    assert refused(surveyed(), work=RESIZE) == (reason(PlanCode.UNKNOWN_INSTANCE_TYPE, type="m7g.large"),)


def test_type_for_another_processor_is_refused() -> None:
    arm = TypeFacts(("arm64",), instance_store=False)
    survey = surveyed(replace(PLAIN, architecture="arm64"), m7g_large=arm)
    assert refused(survey, work=RESIZE) == (
        reason(
            PlanCode.WRONG_ARCHITECTURE,
            target=SECOND,
            type="m7g.large",
            architecture="x86_64",
            architectures=("arm64",),
        ),
    )
    unsaid = InstanceSurvey({FIRST: replace(PLAIN, architecture="")}, {"m7g.large": arm})
    assert planned(replace(survey, instances=unsaid), work=RESIZE).targets


def test_machines_without_a_survey_are_not_judged() -> None:
    assert planned(a_survey(), work=RESIZE).notices == ()


def test_losses_of_a_stop_are_notices() -> None:
    survey = surveyed(InstanceFacts("i4i.large", "x86_64", public_address_changes=True), i4i_large=LOCAL_DISKS)
    assert planned(survey, work=STOP).notices == (
        reason(PlanCode.INSTANCE_STORE_LOST, targets=(FIRST,)),
        reason(PlanCode.PUBLIC_ADDRESS_CHANGES, targets=(FIRST,)),
    )
    assert planned(survey, AcceptedRisks(force=True), PlanKind.REGISTER, work=STOP).notices == ()


@pytest.mark.parametrize("check", [Check(), Check(HttpCheck("/health"))])
def test_stopped_machine_needs_a_check_that_reaches_it(check: Check) -> None:
    survey = replace(surveyed(), unreachable={FIRST: "no route"})
    assert refused(survey, work=STOP, check=check) == (
        reason(PlanCode.CHECK_UNREACHABLE, target=FIRST, text="no route"),
    )


def test_grpc_and_reach_are_both_told() -> None:
    grpc = a_group(protocol_version="GRPC")
    survey = replace(a_survey(groups=(grpc,)), unreachable={FIRST: "no route"})
    found = refused(survey, work=STOP)
    assert [each.code for each in found] == ["grpc_check_not_supported", "check_unreachable"]
