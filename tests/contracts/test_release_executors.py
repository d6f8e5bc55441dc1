"""Releases by the executors `ssh` and `ssm`: put into place, interrupted, and taken back, each under its mark."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contracts.machine import Machine
from tests.contracts.release_site import Member, Site
from tests.contracts.ssh_server import SSHD
from tests.contracts.workshops import BY, BySsh, Workshop, by_run_command, by_ssh, follow, hand_over, key, until

from katakei.adapters.executors.ssm.batches import Start, check_size
from katakei.adapters.executors.ssm.executor import _line
from katakei.domain.actions import Job
from katakei.domain.errors import UsageError
from katakei.domain.observation import WorkState, WorkStatus
from katakei.domain.phases import Intent
from katakei.domain.releases import ArtifactSource, Release, SourceKind
from katakei.domain.spec import Command

WAYS = [pytest.param("ssh", marks=pytest.mark.skipif(not SSHD, reason="no OpenSSH server here")), "ssm"]


@pytest.fixture(params=WAYS)
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    with by_ssh(tmp_path, 1) if request.param == "ssh" else by_run_command(tmp_path, monkeypatch) as shop:
        yield shop


def _site(shop: Workshop) -> Site:
    return Site(Machine(shop.folder(shop.targets[0])))


def _job(release: Release, name: str, rollout: str) -> Job:
    values = (("KATAKEI_RELEASE", name), ("KATAKEI_ROLLOUT", rollout))
    return Job("", values, 60, release.words(name), releases=True)


def _work(shop: Workshop, release: Release, name: str, attempt: int, intent: Intent = Intent.UPDATE) -> WorkStatus:
    whom = shop.targets[0]
    jobs = {key(whom, attempt, intent): (whom, _job(release, name, f"r-{name}"))}
    [work] = follow(shop, jobs, hand_over(shop, jobs)).values()
    return work


def test_release_is_put_into_place_and_taken_back(shop: Workshop) -> None:
    site = _site(shop)
    restarted = replace(site.release, restart='echo "restarted $KATAKEI_RELEASE"')
    for attempt, name in enumerate(("v1", "v2"), 1):
        site.build(name)
        work = _work(shop, restarted, name, attempt)
        assert (work.state, work.exit) == (WorkState.ENDED, 0), work
        assert work.out.endswith(f"current is {name}\nrestart\nrestarted {name}\n")
        assert site.current == f"releases/{name}"
    work = _work(shop, restarted.back, "v2", 3, Intent.REVERT)
    assert (work.exit, work.out) == (0, "current is v1\nrestart\nrestarted v2\n")
    assert (site.current, site.releases) == ("releases/v1", ["v1", "v2"])


def test_failure_is_told_in_the_output(shop: Workshop) -> None:
    site = _site(shop)
    site.build("v1", Member("../x"))
    work = _work(shop, site.release, "v1", 1)
    assert (work.state, work.exit) == (WorkState.ENDED, 1)
    assert work.out.splitlines()[-1].startswith("katakei: ")
    assert " was not unpacked: " in work.out
    assert site.releases == []


def test_cancelled_release_switches_nothing(shop: Workshop) -> None:
    site, whom = _site(shop), shop.targets[0]
    site.build("v1")
    stuck = replace(site.release, before_switch="touch begun; sleep 600")
    jobs = {key(whom): (whom, _job(stuck, "v1", "r-v1"))}
    tickets = hand_over(shop, jobs)
    named = {key(whom): (whom, tickets[key(whom)])}
    until(shop, named, WorkState.RUNNING, lambda: None)
    work = until(shop, named, WorkState.ENDED, lambda: shop.executor.cancel(named, BY))
    assert work.exit != 0
    assert not (site.path / "current").is_symlink()
    site.deploy("v2")


def test_missing_tool_is_found_before_the_first_target(shop: Workshop) -> None:
    if isinstance(shop, BySsh):
        source = ArtifactSource(SourceKind.GIT, "/x", "v1")
        command = Command("ssh", ssh=shop.access, release=Release("/x", source))
        assert shop.executor.prove(command, shop.targets, BY) == {}
        with _without(shop, "git"):
            assert shop.executor.prove(command, shop.targets, BY) == {shop.targets[0].id: "there is no program git"}


def test_release_fits_into_a_command_beside_a_probe(shop: Workshop) -> None:
    site, whom = _site(shop), shop.targets[0]
    job = replace(_job(site.release, "v1", "r-v1"), probe="x" * 12_000)
    line = _line(key(whom), whom, job, shop.clock.now())  # type: ignore[attr-defined]  # both have one
    check_size(Start(key(whom), line, job, alone=True))
    long = replace(job, argv=site.source(place="file:///" + "x" * 20_000).words("v1"))
    with pytest.raises(UsageError, match="more than Run Command carries"):
        check_size(Start(key(whom), line, long, alone=True))


@contextmanager
def _without(shop: BySsh, tool: str) -> Iterator[None]:
    """A session of the server finds no such tool."""
    [server] = shop.servers.values()
    server.end()
    server.machine.env["PATH"] = Site(server.machine).without(tool)
    server.begin()
    server.known_hosts(shop.known)
    shop.anew(shop.access)
    yield
