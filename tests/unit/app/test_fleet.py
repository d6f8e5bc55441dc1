"""The fleet of a server: services that change while they are used, and the drivers of each account and region."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.app.fleet_fakes import SomeDrivers, Source
from tests.unit.given import a_plan, a_spec, seconds

from katakei.app.fleet import CHECK_INTERVAL, AwsPlace, Fleet
from katakei.domain.errors import NoAnswerError, RefusedError, UsageError
from katakei.domain.freezes import Freeze
from katakei.domain.plan import Plan
from katakei.domain.spec import Command, Drain, DrainUntil, Spec
from katakei.runtime.drivers import Drivers

SHOP = """\
service: shop
balancer: {alb: {target_groups: [web]}}
work: {ssm: {run: "./deploy"}}
"""
ROLE = "arn:aws:iam::210987654321:role/katakei"


@dataclass
class Stage:
    folder: Path
    source: Source = field(default_factory=Source)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def fleet(self, **settings: Sequence[str]) -> Fleet:
        return Fleet(self.source, self.folder, **settings)

    def later(self, fleet: Fleet, checks: int = 2) -> Fleet:
        """After so many checks of the folder."""
        for _ in range(checks):
            self.source.clock.time += CHECK_INTERVAL
            fleet.check()
        return fleet


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def place(drivers: Drivers) -> AwsPlace:
    assert isinstance(drivers, SomeDrivers)
    return drivers.place


def recorded(service: str = "shop", account: str = "123456789012", region: str = "ap-northeast-1") -> Plan:
    return replace(a_plan(), spec=a_spec(service=service), account=account, region=region)


def test_services_are_read_and_found_by_name(stage: Stage) -> None:
    stage.write("shop.yml", SHOP)
    stage.write("blog.yml", SHOP.replace("shop", "blog"))
    fleet = stage.fleet()
    assert [service.name for service in fleet.services()] == ["blog", "shop"]
    assert fleet.startable("shop").spec is not None
    with pytest.raises(UsageError, match="this server has no service 'shp'; it has blog, shop"):
        fleet.service("shp")


def test_changed_file_is_read_when_two_checks_agree(stage: Stage) -> None:
    stage.write("shop.yml", SHOP)
    fleet = stage.fleet()
    stage.write("shop.yml", SHOP.replace("./deploy", "./half"))
    stage.later(fleet, 1)
    stage.write("shop.yml", SHOP.replace("./deploy", "./deploy --all"))
    stage.later(fleet, 1)
    assert (spec := fleet.service("shop").spec)
    assert spec.work.run == "./deploy"
    stage.later(fleet, 1)
    assert (spec := fleet.service("shop").spec)
    assert spec.work.run == "./deploy --all"


def test_folder_is_checked_at_most_once_in_two_seconds(stage: Stage) -> None:
    fleet = stage.fleet()
    stage.write("shop.yml", SHOP)
    for _ in range(5):
        assert fleet.services() == ()
    stage.later(fleet)
    assert len(fleet.services()) == 1


def test_atomic_rename_is_noticed(stage: Stage) -> None:
    stage.write("shop.yml", SHOP)
    fleet = stage.fleet()
    stage.write(".new", SHOP.replace("[web]", "[api]"))
    (stage.folder / ".new").rename(stage.folder / "shop.yml")
    (spec,) = [service.spec for service in stage.later(fleet).services()]
    assert spec
    assert spec.groups == ("api",)


def test_switch_of_a_config_map_is_noticed(stage: Stage) -> None:
    for name, group in (("..1", "web"), ("..2", "api")):
        (stage.folder / name).mkdir()
        stage.write(f"{name}/shop.yml", SHOP.replace("[web]", f"[{group}]"))
    (stage.folder / "..data").symlink_to("..1")
    (stage.folder / "shop.yml").symlink_to("..data/shop.yml")
    fleet = stage.fleet()
    (stage.folder / "..data_tmp").symlink_to("..2")
    (stage.folder / "..data_tmp").rename(stage.folder / "..data")
    spec = stage.later(fleet).service("shop").spec
    assert spec
    assert spec.groups == ("api",)


def test_file_that_turns_invalid_refuses_new_rollouts(stage: Stage) -> None:
    aws = f"server: {{aws: {{role_arn: '{ROLE}', region: eu-north-1}}}}\n"
    stage.write("shop.yml", SHOP + aws)
    fleet = stage.fleet()
    stage.write("shop.yml", SHOP + aws + "windw: {}\n")
    stage.later(fleet)
    with pytest.raises(UsageError, match=r"no rollout of shop can be started .*\nshop.yml:5: windw: is not a known"):
        fleet.startable("shop")
    running = recorded(account="210987654321", region="eu-north-1")
    assert place(fleet.session_drivers(running)) == AwsPlace(role_arn=ROLE, region="eu-north-1")


def test_policy_outlives_a_fault_and_a_vanished_file(stage: Stage) -> None:
    policy = "server: {policy: {approve: [kim], four_eyes: true}}\n"
    stage.write("shop.yml", SHOP + policy)
    fleet = stage.fleet()
    stage.write("shop.yml", SHOP + "server: {policy: {approve: 7}}\n")
    stage.later(fleet)
    assert fleet.service("shop").policy.approve == ("kim",)
    (stage.folder / "shop.yml").unlink()
    stage.later(fleet)
    assert (found := fleet.policy_of("shop"))
    assert found.four_eyes
    assert fleet.policy_of("blog") is None
    assert stage.fleet().policy_of("shop") is None


def test_running_rollout_outlives_broken_and_vanished_file(stage: Stage) -> None:
    stage.write("shop.yml", SHOP + f"server: {{aws: {{role_arn: '{ROLE}', region: eu-north-1}}}}\n")
    fleet = stage.fleet()
    running = recorded(account="210987654321", region="eu-north-1")
    stage.write("shop.yml", "service: [")
    stage.later(fleet)
    assert [service.name for service in fleet.services()] == ["shop"]
    assert place(fleet.session_drivers(running)).role_arn == ROLE
    (stage.folder / "shop.yml").unlink()
    assert stage.later(fleet).services() == ()
    assert place(fleet.session_drivers(running)).role_arn == ROLE
    with pytest.raises(UsageError, match="it has none at all"):
        fleet.startable("shop")


def test_folder_that_cannot_be_read_refuses_new_rollouts(stage: Stage, tmp_path: Path) -> None:
    stage.folder = tmp_path / "services"
    stage.folder.mkdir()
    stage.write("shop.yml", SHOP)
    fleet = stage.fleet()
    stage.folder.rename(tmp_path / "away")
    stage.later(fleet, 1)
    with pytest.raises(UsageError, match="services: cannot be read"):
        fleet.startable("shop")
    (tmp_path / "away").rename(stage.folder)
    stage.later(fleet, 2)
    assert fleet.startable("shop").spec


def test_missing_folder_is_refused_at_the_start(stage: Stage) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Fleet(stage.source, stage.folder / "nowhere")


def test_place_gets_profile_and_region_of_the_server(stage: Stage) -> None:
    stage.source.home = AwsPlace("central", region="ap-northeast-1")
    stage.write("a.yml", SHOP + f"server: {{aws: {{role_arn: '{ROLE}'}}}}\n")
    stage.write("b.yml", SHOP.replace("shop", "blog") + "server: {aws: {profile: own, region: eu-north-1}}\n")
    fleet = stage.fleet()
    assert set(fleet.places()) == {
        AwsPlace("central", ROLE, region="ap-northeast-1"),
        AwsPlace("own", region="eu-north-1"),
    }
    assert fleet.place_of(fleet.service("blog")) == AwsPlace("own", region="eu-north-1")


def test_server_without_services_has_its_own_place(stage: Stage) -> None:
    fleet = Fleet(stage.source)
    assert fleet.places() == (stage.source.home,)
    assert fleet.services() == ()
    assert place(fleet.drivers_of(recorded())) == stage.source.home


def test_drivers_of_a_place_are_made_once(stage: Stage) -> None:
    fleet = Fleet(stage.source)
    assert fleet.drivers(AwsPlace()) is fleet.drivers(stage.source.home)
    assert fleet.session_drivers_at(AwsPlace()) is not fleet.session_drivers_at(AwsPlace())


def test_rollout_finds_its_recorded_account_after_a_move(stage: Stage) -> None:
    stage.write("shop.yml", SHOP + f"server: {{aws: {{role_arn: '{ROLE}', region: eu-north-1}}}}\n")
    stage.write("blog.yml", SHOP.replace("shop", "blog"))
    fleet = stage.fleet()
    assert place(fleet.drivers_of(recorded())) == stage.source.home
    assert ROLE not in [made.role_arn for made in stage.source.made]  # the role tells its account


def test_unreachable_place_does_not_hide_the_right_one(stage: Stage) -> None:
    bad = AwsPlace("bad", region="eu-north-1")
    stage.source.sites[bad] = NoAnswerError("AWS did not answer")
    stage.write("a.yml", SHOP.replace("shop", "a") + "server: {aws: {profile: bad, region: eu-north-1}}\n")
    fleet = stage.fleet()
    assert place(fleet.drivers_of(recorded())) == stage.source.home
    with pytest.raises(NoAnswerError):
        fleet.drivers_of(recorded(account="999999999999"))


def test_rollout_of_an_unknown_account_is_refused(stage: Stage) -> None:
    with pytest.raises(RefusedError, match="no service of this server works in account 999999999999 in eu-north-1"):
        Fleet(stage.source).drivers_of(recorded(account="999999999999", region="eu-north-1"))


def test_recorded_local_work_is_refused_unless_allowed(stage: Stage) -> None:
    local = replace(recorded(), spec=a_spec(service="shop", work=Command("local", "./deploy")))
    fleet = Fleet(stage.source)
    with pytest.raises(RefusedError, match="would run commands as the user of this server"):
        fleet.session_drivers(local)
    assert place(fleet.drivers_of(local)) == stage.source.home  # reading and telling are no matter of work
    assert place(Fleet(stage.source, allow_local=["shop"]).session_drivers(local)) == stage.source.home


@pytest.mark.parametrize(
    "spec",
    [
        a_spec(service="shop", work=Command("ssh", "./deploy")),
        a_spec(service="shop", work=Command("manual"), drain=Drain(until=DrainUntil.PROOF, probe="ssh")),
    ],
)
def test_recorded_ssh_is_refused_unless_allowed(stage: Stage, spec: Spec) -> None:
    plan = replace(recorded(), spec=spec)
    with pytest.raises(RefusedError, match="would run commands as the user of this server"):
        Fleet(stage.source).session_drivers(plan)
    assert place(Fleet(stage.source, allow_local=["shop"]).session_drivers(plan)) == stage.source.home


def test_recorded_local_revert_is_refused_as_well(stage: Stage) -> None:
    local = replace(recorded(), spec=a_spec(service="shop", revert=Command("local", "./back")))
    with pytest.raises(RefusedError):
        Fleet(stage.source).session_drivers(local)


def test_frozen_file_is_a_freeze_since_it_was_read(stage: Stage) -> None:
    fleet = stage.fleet()
    stage.source.freezes.freeze("blog", "kim", "", None)
    stage.write("shop.yml", SHOP + "server: {frozen: the audit}\n")
    stage.later(fleet)
    since = stage.source.clock.now()
    stage.write("other.yml", SHOP.replace("shop", "other"))
    stage.later(fleet)
    shop = Freeze("shop", "shop.yml", "the audit", since)
    assert shop in stage.source.freezes.active()
    assert {freeze.name for freeze in stage.source.freezes.active()} == {"shop", "blog"}


def test_freeze_of_a_file_is_lifted_only_by_the_file(stage: Stage) -> None:
    stage.write("shop.yml", SHOP + "server: {frozen: the audit}\n")
    fleet = stage.fleet()
    with pytest.raises(RefusedError, match=r"shop stays frozen: shop.yml says so \(the audit\); change that file"):
        stage.source.freezes.unfreeze("shop", "kim")
    stage.write("shop.yml", "service: shop\nserver: {frozen: the audit}\n")
    assert [freeze.name for freeze in (stage.later(fleet), stage.source.freezes.active())[1]] == ["shop"]
    stage.write("shop.yml", "service: shop\n - broken")
    assert stage.later(fleet).services()[0].faults
    assert [freeze.name for freeze in stage.source.freezes.active()] == ["shop"]
    stage.write("shop.yml", SHOP)
    stage.later(fleet)
    assert not stage.source.freezes.active()


def test_watching_reads_changes_by_itself(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("katakei.app.fleet.CHECK_INTERVAL", seconds(0.01))
    fleet = stage.fleet()
    read = threading.Event()
    monkeypatch.setattr(fleet, "check", read.set)
    with fleet.watching():
        assert read.wait(30)


def test_check_interval_is_bounded() -> None:
    assert timedelta(seconds=1) <= CHECK_INTERVAL <= timedelta(seconds=10)
