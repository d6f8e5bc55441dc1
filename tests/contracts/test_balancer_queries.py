"""Groups by name, members with their instances, and the other groups of a machine."""

from datetime import timedelta

import pytest
from tests.contracts.fake_account import REGION, Account, arn, entry, machine

from katakei.adapters.balancers.alb import AlbBalancer
from katakei.adapters.balancers.alb.group_search import find_elsewhere, find_groups
from katakei.adapters.balancers.alb.queries import Queries
from katakei.domain.errors import UsageError
from katakei.domain.model import Registration, Target, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.ports import GroupMember

WEB = arn("web")
SECOND = timedelta(seconds=1)


def queries(account: Account) -> Queries:
    return Queries(account.aws, account.clock)


def names(account: Account, *wanted: str) -> list[str]:
    return [raw["TargetGroupName"] for raw in find_groups(queries(account), wanted, REGION)]


def members(account: Account, name: str = "web") -> tuple[GroupMember, ...]:
    (listing,) = queries(account).listings(find_groups(queries(account), [name], REGION))
    return listing.members


def alb(account: Account) -> AlbBalancer:
    return AlbBalancer(account.aws, account.clock)


def test_find_groups_mixes_names_and_arns() -> None:
    account = Account(listed={"api": [], "web": [], "admin": []})
    assert names(account, "web", arn("api"), arn("web")) == ["web", "api"]


def test_find_groups_asks_twenty_at_a_time() -> None:
    account = Account(listed={f"g{n:02}": [] for n in range(60)})
    wanted = [f"g{n:02}" if n % 2 else arn(f"g{n:02}") for n in range(60)]
    assert names(account, *wanted) == [f"g{n:02}" for n in range(60)]
    assert all("Names" in asked or "TargetGroupArns" in asked for _, asked in account.calls)


def test_find_groups_reads_all_pages() -> None:
    account = Account(listed={f"g{n}": [] for n in range(7)}, page=3)
    assert names(account) == [f"g{n}" for n in range(7)]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("wev", "did you mean web?"),
        (arn("wep"), "did you mean web?"),
        ("zzzzzz", "there are admin, api, web"),
        ("arn:aws:s3:::bucket", "is not the ARN of a target group"),
        (arn("web").replace(REGION, "eu-west-1"), "give --region eu-west-1"),
    ],
)
def test_find_groups_suggests_existing_groups(wanted: str, says: str) -> None:
    account = Account(listed={"api": [], "web": [], "admin": []})
    with pytest.raises(UsageError) as raised:
        names(account, "web", wanted)
    assert says in str(raised.value)
    assert wanted in str(raised.value)


def test_find_groups_reports_an_empty_account() -> None:
    with pytest.raises(UsageError, match="and no other; check --region and --profile"):
        names(Account(), "web")


def test_instance_member_has_facts_of_its_instance() -> None:
    account = Account(listed={"web": [entry("i-1")]}, instances=[machine("i-1", "10.0.0.1", Name="web-1", Role="web")])
    (one,) = members(account)
    assert one.registration == Registration(WEB, "i-1", 80)
    assert (one.machine, one.name, one.address, one.zone) == ("i-1", "web-1", "10.0.0.1", f"{REGION}a")
    assert one.tags["Role"] == "web"
    assert one.seen.begun <= one.seen.ended


def test_ip_on_any_interface_is_its_instance() -> None:
    account = Account(
        listed={"web": [entry("10.0.0.1", zone="a"), entry("10.0.7.7", zone="a")]},
        kinds={"web": "ip"},
        instances=[machine("i-1", "10.0.0.1", others=["10.0.7.7"])],
    )
    assert [one.machine for one in members(account)] == ["i-1", "i-1"]


def test_same_ip_in_other_vpc_is_another_machine() -> None:
    account = Account(
        listed={"web": [entry("10.0.0.1", zone="z")]},
        kinds={"web": "ip"},
        instances=[machine("i-1", "10.0.0.1", vpc="vpc-2")],
    )
    (one,) = members(account)
    assert (one.machine, one.address, one.zone, one.name) == ("10.0.0.1", "10.0.0.1", "z", "")


def test_same_addresses_in_two_vpcs_stay_apart() -> None:
    account = Account(
        listed={"web": [entry("10.0.0.1")], "twin": [entry("10.0.0.1")]},
        kinds={"web": "ip", "twin": "ip"},
        vpcs={"twin": "vpc-2"},
        instances=[machine("i-1", "10.0.0.1"), machine("i-2", "10.0.0.1", vpc="vpc-2")],
    )
    listings = queries(account).listings(queries(account).all_groups())
    assert [one.machine for listing in listings for one in listing.members] == ["i-1", "i-2"]


def test_deleted_instance_is_still_a_member() -> None:
    (one,) = members(Account(listed={"web": [entry("i-9", state="draining")]}))
    assert (one.machine, one.address, one.seen.state) == ("i-9", "", HealthState.DRAINING)


def test_many_instances_are_read_in_pages() -> None:
    ids = [f"i-{n:04}" for n in range(450)]
    account = Account(
        listed={"web": [entry(one) for one in ids]}, instances=[machine(one, "10.0.0.1") for one in ids], page=90
    )
    assert [one.name == "" and one.zone for one in members(account)] == [f"{REGION}a"] * 450


def test_auto_scaling_group_comes_from_instance_tag() -> None:
    account = Account(
        listed={"web": [entry("i-1"), entry("i-2")]},
        instances=[machine("i-1", "10.0.0.1"), machine("i-2", "10.0.0.2", aws__autoscaling__groupName="fleet")],
    )
    (listing,) = queries(account).listings(queries(account).all_groups())
    assert listing.auto_scaling_groups == ("fleet",)


def test_zonal_shift_names_zone_and_stops_serving() -> None:
    shift = {"AdministrativeOverride": {"State": "zonal_shift_active"}}
    account = Account(listed={"web": [entry("i-1") | shift]}, instances=[machine("i-1", "10.0.0.1")])
    (listing,) = queries(account).listings(queries(account).all_groups())
    assert listing.shifted_zones == (f"{REGION}a",)
    assert not listing.members[0].seen.serving


def test_find_elsewhere_matches_ids_and_ips() -> None:
    account = Account(
        listed={
            "web": [entry("i-1")],
            "api": [entry("i-2"), entry("i-1", 8080)],
            "pods": [entry("10.0.7.7", 9000, zone="a")],
            "peer": [entry("10.0.0.1", zone="all")],
            "twin": [entry("10.0.0.1", zone="b")],
            "call": [entry("i-1")],
        },
        kinds={"pods": "ip", "peer": "ip", "twin": "ip", "call": "lambda"},
        vpcs={"peer": "vpc-2", "twin": "vpc-2"},
        instances=[machine("i-1", "10.0.0.1", others=["10.0.7.7"]), machine("i-2", "10.0.0.2")],
    )
    target = Target(TargetId("i-1"), "", "10.0.0.1", "", (Registration(WEB, "i-1", 80),))
    assert set(find_elsewhere(queries(account), [target])) == {
        Registration(arn("api"), "i-1", 8080),
        Registration(arn("pods"), "10.0.7.7", 9000, "a"),
        Registration(arn("peer"), "10.0.0.1", 80, "all"),
    }


def test_find_elsewhere_matches_plain_ip_within_vpc() -> None:
    account = Account(
        listed={"web": [entry("10.0.0.5")], "api": [entry("10.0.0.5", 81)], "twin": [entry("10.0.0.5", 82)]},
        kinds={"web": "ip", "api": "ip", "twin": "ip"},
        vpcs={"twin": "vpc-2"},
    )
    target = Target(TargetId("10.0.0.5"), "", "10.0.0.5", "", (Registration(WEB, "10.0.0.5", 80),))
    assert find_elsewhere(queries(account), [target]) == (Registration(arn("api"), "10.0.0.5", 81),)


def test_look_keeps_recorded_registrations() -> None:
    account = Account(listed={"web": [entry("10.0.0.1", zone="a"), entry("10.9.0.1", zone="all")]}, kinds={"web": "ip"})
    recorded = Registration(WEB, "10.0.0.1", 80)
    outside = Registration(WEB, "10.9.0.1", 80, "all")
    elsewhere_zone = Registration(WEB, "10.0.0.1", 80, "c")
    observation = alb(account).look(WEB, frozenset({recorded, outside, elsewhere_zone}))
    assert {place: look.state for place, look in observation.seen.items()} == {
        recorded: HealthState.HEALTHY,
        outside: HealthState.HEALTHY,
        elsewhere_zone: HealthState.ABSENT,
    }
    assert observation.full_begun is None


def test_whole_look_says_when_it_began() -> None:
    account = Account(listed={"web": [entry("i-1"), entry("i-1", 81, "draining")]}, each=SECOND)
    observation = alb(account).look(WEB, None)
    first = observation.seen[Registration(WEB, "i-1", 80)]
    assert observation.full_begun == first.begun == first.ended - SECOND
    assert observation.seen[Registration(WEB, "i-1", 81)].state is HealthState.DRAINING


def test_other_port_of_registered_target_is_absent() -> None:
    account = Account(listed={"web": [entry("i-1", 8081)]})
    place = Registration(WEB, "i-1", 80)
    assert alb(account).look(WEB, frozenset({place})).seen[place].state is HealthState.ABSENT


def test_look_at_many_registrations_reads_whole_group() -> None:
    account = Account(listed={"web": [entry(f"i-{n}") for n in range(250)]})
    asked = frozenset(Registration(WEB, f"i-{n}", 80) for n in range(1, 251))
    observation = alb(account).look(WEB, asked)
    assert len(account.calls) == 1
    assert {place.id for place in observation.seen} == {f"i-{n}" for n in range(250)}
    assert observation.full_begun is not None


def test_restore_lines_can_be_pasted() -> None:
    driver = alb(Account())
    outside = Registration(arn("api"), "10.9.0.1", 81, "all")
    web, api = driver.restore_lines([Registration(WEB, "i-1", 80), outside, Registration(WEB, "i-2", 80)])
    begun = "aws elbv2 register-targets --target-group-arn"
    assert web == f"{begun} {WEB} --targets Id=i-1,Port=80 Id=i-2,Port=80 --region {REGION}"
    assert api == f"{begun} {arn('api')} --targets Id=10.9.0.1,Port=81,AvailabilityZone=all --region {REGION}"


def test_restore_lines_are_quoted_for_the_shell() -> None:
    (line,) = alb(Account()).restore_lines([Registration(WEB, "i-1;reboot $HOME", 80)])
    assert "'Id=i-1;reboot $HOME,Port=80'" in line
