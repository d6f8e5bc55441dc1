"""The contract of balancers (domain/ports/), tested on a running lab through the calls that a user would make.

A test expects only what is also true on AWS. With `--aws GROUP` the tests run on a real account, with the credentials
of the environment, on a group of its own that has two healthy instances. They leave the group as it was.
"""

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from tests.contracts.lab_faults import faults, ip_group

from katakei.adapters.aws import AwsSession
from katakei.adapters.balancers.alb import AlbBalancer
from katakei.adapters.system.clock import SystemClock
from katakei.domain.errors import NoAnswerError, RejectedError, UnreachableError, UsageError
from katakei.domain.model import Arn, Group, Registration, Target, TargetType
from katakei.domain.observation import HealthState, RegistrationHealth
from katakei.domain.ports import Balancer, GroupMember
from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

pytestmark = pytest.mark.lab
SOON = timedelta(seconds=10)


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    if request.config.getoption("--aws"):
        pytest.skip("asks for what only the lab can do or tell")
    options = LabOptions(targets=3, delay=timedelta(seconds=2), interval=timedelta(seconds=1), port=8080)
    with Lab(options) as running:
        yield running


@pytest.fixture(scope="module")
def alb(request: pytest.FixtureRequest) -> Iterator[AlbBalancer]:
    if request.config.getoption("--aws"):
        yield _alb()
        return
    lab: Lab = request.getfixturevalue("lab")
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            environment.delenv(name)
        for name, value in lab.env.items():
            environment.setenv(name, value)
        yield _alb()


def _alb() -> AlbBalancer:
    clock = SystemClock()
    return AlbBalancer(AwsSession(None, None, clock), clock)


@pytest.fixture(scope="module")
def group(request: pytest.FixtureRequest, alb: AlbBalancer) -> Group:
    named = request.config.getoption("--aws") or request.getfixturevalue("lab").target_group_arn
    return alb.groups([named])[0]


@pytest.fixture(scope="module")
def members(alb: AlbBalancer, group: Group) -> list[GroupMember]:
    return list(alb.members(group))


def becomes(
    balancer: Balancer, place: Registration, wanted: Callable[[RegistrationHealth], bool]
) -> RegistrationHealth:
    """Returns the first observation that is as wanted, within the group's delay and a minute."""
    (group,) = balancer.groups([place.group])
    ends = time.monotonic() + (group.delay + timedelta(minutes=1)).total_seconds()
    while True:
        look = balancer.look(place.group, frozenset({place})).seen[place]
        if wanted(look):
            return look
        assert time.monotonic() < ends, look
        time.sleep(0.4)


def test_alb_implements_balancer_port(alb: AlbBalancer, lab: Lab) -> None:
    balancer: Balancer = alb
    assert (alb.account, alb.region, alb.lab) == ("123456789012", "ap-northeast-1", True)
    assert [group.arn for group in balancer.groups(())] == [lab.target_group_arn]


def test_groups_are_found_by_name_and_arn(alb: AlbBalancer, group: Group) -> None:
    assert alb.groups([group.name])[0].arn == alb.groups([group.arn])[0].arn == group.arn
    assert (group.balancer_type, group.autoscaling, group.zonal_shift) == ("application", (), ())


def test_group_attributes_match_what_was_set(lab: Lab, group: Group) -> None:
    assert group.arn == lab.target_group_arn
    assert (group.target_type, group.port, group.protocol) == (TargetType.INSTANCE, 8080, "HTTP")
    assert (group.delay, group.idle_timeout) == (timedelta(seconds=2), timedelta(seconds=60))
    assert (group.cross_zone, group.slow_start) == (True, timedelta(0))
    assert group.check.path == "/health"


def test_unknown_group_error_suggests_existing_groups(lab: Lab, alb: AlbBalancer) -> None:  # noqa: ARG001 - its name is the lab's
    with pytest.raises(UsageError, match="did you mean LaravelTargetGroup"):
        alb.groups(["LaravelTargetGrup"])


def test_members_have_names_addresses_and_zones(lab: Lab, members: list[GroupMember]) -> None:
    told = [(one.registration.id, one.registration.port, one.address, one.zone) for one in members]
    assert sorted(told) == sorted((one.id, one.port, one.address, one.zone) for one in lab.targets)
    assert sorted(one.name for one in members) == ["web-1", "web-2", "web-3"]
    assert all(one.seen.serving for one in members)


def test_whole_look_shows_all_registrations(alb: AlbBalancer, group: Group, members: list[GroupMember]) -> None:
    observation = alb.look(group.arn, None)
    assert set(observation.seen) == {one.registration for one in members}
    begun = [look.begun for look in observation.seen.values()]
    assert begun == [observation.full_begun] * len(members)
    assert all(look.begun <= look.ended for look in observation.seen.values())


def test_look_shows_unregistered_targets_as_absent(alb: AlbBalancer, group: Group, members: list[GroupMember]) -> None:
    here = members[0].registration
    wrong_port = Registration(group.arn, here.id, here.port + 1)
    stranger = Registration(group.arn, "i-0123456789abcdef0", here.port)
    observation = alb.look(group.arn, frozenset({here, wrong_port, stranger}))
    states = {place: look.state for place, look in observation.seen.items()}
    assert states == {here: HealthState.HEALTHY, wrong_port: HealthState.ABSENT, stranger: HealthState.ABSENT}


def test_target_leaves_and_returns_unchanged(alb: AlbBalancer, group: Group, members: list[GroupMember]) -> None:
    place = members[0].registration
    before = set(alb.look(group.arn, None).seen)
    alb.deregister(group.arn, frozenset({place}), SOON)
    draining = becomes(alb, place, lambda look: look.out)
    assert (draining.state, draining.reason) == (HealthState.DRAINING, "Target.DeregistrationInProgress")
    becomes(alb, place, lambda look: look.state is HealthState.ABSENT)
    assert place not in alb.look(group.arn, None).seen
    alb.register(group.arn, frozenset({place}), SOON)
    becomes(alb, place, lambda look: look.serving)
    assert set(alb.look(group.arn, None).seen) == before


def test_repeated_calls_and_wrong_ports_change_nothing(
    alb: AlbBalancer, group: Group, members: list[GroupMember]
) -> None:
    place = members[0].registration
    alb.register(group.arn, frozenset({place}), SOON)
    alb.deregister(group.arn, frozenset({Registration(group.arn, place.id, 9)}), SOON)
    alb.deregister(group.arn, frozenset({Registration(group.arn, place.id, 9)}), SOON)
    assert alb.look(group.arn, frozenset({place})).seen[place].state is HealthState.HEALTHY


def test_members_are_read_again_after_a_change(alb: AlbBalancer, group: Group, members: list[GroupMember]) -> None:
    here = members[0].registration
    (again,) = alb.groups([group.arn])
    alb.deregister(group.arn, frozenset({here}), SOON)
    shown = {one.registration: one.seen for one in alb.members(again)}
    assert here not in shown or shown[here].out
    alb.register(group.arn, frozenset({here}), SOON)
    becomes(alb, here, lambda look: look.serving)


def test_register_rejects_only_targets_that_cannot_register(
    alb: AlbBalancer, group: Group, members: list[GroupMember]
) -> None:
    good = frozenset(one.registration for one in members)
    extra = Registration(group.arn, members[1].registration.id, 8099)
    bad = {Registration(group.arn, name, group.port) for name in ("i-0123456789abcdef0", "no-instance")}
    with pytest.raises(RejectedError) as raised:
        alb.register(group.arn, good | bad | {extra}, SOON)
    assert set(raised.value.which) == bad
    assert extra in alb.look(group.arn, None).seen
    alb.deregister(group.arn, frozenset({extra}), SOON)
    becomes(alb, extra, lambda look: look.state is HealthState.ABSENT)


def test_instance_ip_is_found_in_other_groups(
    lab: Lab, alb: AlbBalancer, group: Group, members: list[GroupMember]
) -> None:
    machine = members[0]
    with ip_group(lab, group.arn) as arn:
        place = Registration(arn, machine.address, 8080)
        alb.register(arn, frozenset({place}), SOON)
        (other,) = alb.groups([arn])
        (listed,) = alb.members(other)
        assert (other.target_type, other.load_balancers, other.balancer_type) == (TargetType.IP, (), "")
        assert (listed.machine, listed.name) == (machine.machine, machine.name)
        target = Target(machine.machine, "", machine.address, "", (machine.registration,))
        assert alb.elsewhere([target]) == (listed.registration,)
        assert alb.look(arn, frozenset({place})).seen[place].state is HealthState.UNUSED
        alb.deregister(arn, frozenset({listed.registration}), SOON)
        becomes(alb, place, lambda look: look.state is HealthState.ABSENT)
    assert alb.elsewhere([target]) == ()


def test_throttling_and_denials_raise_their_errors(lab: Lab, alb: AlbBalancer, group: Group) -> None:
    with faults(lab, throttle=1.0), pytest.raises(NoAnswerError, match="throttled"):
        alb.look(group.arn, None)
    with faults(lab, error=1.0), pytest.raises(NoAnswerError, match="no answer"):
        alb.look(group.arn, None)
    with (
        faults(lab, deny=["RegisterTargets"]),
        pytest.raises(UnreachableError, match="allow elasticloadbalancing:RegisterTargets"),
    ):
        alb.register(group.arn, frozenset({Registration(group.arn, "i-0123456789abcdef0", 80)}), SOON)


def test_look_at_deleted_group_raises_usage_error(alb: AlbBalancer, group: Group) -> None:
    gone = Arn(group.arn[:-4] + "dead")
    with pytest.raises(UsageError, match="no such target group"):
        alb.look(gone, None)


def test_proof_of_rights_changes_nothing(alb: AlbBalancer, group: Group, members: list[GroupMember]) -> None:
    places = [member.registration for member in members]
    before = [(member.registration, member.seen.state) for member in alb.members(group)]
    alb.prove_rights(group.arn, places, SOON)
    assert [(member.registration, member.seen.state) for member in alb.members(group)] == before


@pytest.mark.parametrize("action", ["DeregisterTargets", "RegisterTargets"])
def test_missing_right_is_named_with_its_group(
    lab: Lab, alb: AlbBalancer, group: Group, members: list[GroupMember], action: str
) -> None:
    places = [member.registration for member in members]
    with faults(lab, deny=[action]), pytest.raises(UnreachableError) as denied:
        alb.prove_rights(group.arn, places, SOON)
    assert f"allow elasticloadbalancing:{action} in their IAM policy" in str(denied.value)
    assert str(denied.value).endswith(f"the target group is {group.arn}")
    assert {member.registration for member in alb.members(group)} == set(places)
