"""Traffic from a process of its own against real servers."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.lab.envoy_harness import DRAINING, IN, EnvoyHarness, envoy_harness

from katakei.lab import clock
from katakei.lab.traffic import Figures, Traffic

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnvoyHarness]:
    with envoy_harness(tmp_path_factory.mktemp("envoy_harness"), count=2) as lab:
        yield lab


def url(lab: EnvoyHarness) -> str:
    return f"http://{lab.front.address}:{lab.front.port}/"


def seen(traffic: Traffic, seconds: float) -> Figures:
    traffic.start()
    clock.sleep(seconds)
    return traffic.stop()


def test_traffic_keeps_its_rate_and_counts_by_release(lab: EnvoyHarness) -> None:
    lab.targets(IN, IN)
    figures = seen(Traffic(url(lab), rate=300, slow_fraction=0.05, slow_seconds=0.3), 1.2)
    sent = sum(len((lab.servers.get(f"i-{n}").folder / "requests.log").read_text().splitlines()) for n in range(2))
    assert 300 <= figures.requests <= 400
    assert figures.requests == sent == figures.releases["v1"]
    assert figures.requests // 20 == figures.slow
    assert (figures.failed, figures.held_back) == (0, 0)


def test_traffic_sends_the_query_of_its_url(lab: EnvoyHarness) -> None:
    lab.targets(IN, IN)
    figures = seen(Traffic(f"{url(lab)}slow?s=0.2", rate=20, slow_fraction=0), 1)
    assert figures.failed == 0
    assert figures.slowest.total_seconds() >= 0.2


def test_traffic_counts_error_responses_as_failures(lab: EnvoyHarness) -> None:
    lab.targets(DRAINING)
    before = clock.now()
    figures = seen(Traffic(url(lab), rate=100, slow_fraction=0), 0.5)
    first = figures.first_failures[0]
    assert (figures.failed, len(figures.first_failures)) == (figures.requests, 20)
    assert (first.status, first.path, first.release) == (503, "/", "none")
    assert before <= first.at <= clock.now()


def test_traffic_counts_dropped_requests_on_reused_connections(lab: EnvoyHarness) -> None:
    traffic = Traffic(f"http://{lab.bound_addresses[0].address}/", rate=20, slow_fraction=0.5, slow_seconds=5)
    traffic.start()
    clock.sleep(0.6)
    lab.servers.crash("i-0")
    figures = traffic.stop()
    lab.servers.revive("i-0")
    assert figures.slow > 3
    assert figures.failed >= figures.slow
    assert all((each.status, bool(each.why)) == (0, True) for each in figures.first_failures)
    assert lab.servers.listening("i-0")


def test_traffic_reports_meanwhile_and_ends_by_itself(lab: EnvoyHarness) -> None:
    lab.targets(IN)
    traffic = Traffic(url(lab), rate=100, slow_fraction=0, longest=timedelta(hours=1), most=30)
    traffic.start()
    assert clock.wait_for(lambda: traffic.figures().requests == 30, within=3)
    assert traffic.stop().requests == 30


def test_traffic_sends_less_when_clients_are_busy(lab: EnvoyHarness) -> None:
    lab.targets(IN)
    figures = seen(Traffic(url(lab), rate=100, clients=2, slow_fraction=1, slow_seconds=0.5), 1)
    assert 3 <= figures.requests <= 6
    assert figures.held_back > 50


def test_traffic_counts_refused_connections_as_failures(lab: EnvoyHarness) -> None:
    figures = seen(Traffic(f"http://{lab.front.address}:9/", rate=50, slow_fraction=0), 0.3)
    assert figures.failed == figures.requests > 0
    assert "refused" in figures.first_failures[0].why.lower()


def test_traffic_ends_when_its_parent_is_killed(lab: EnvoyHarness) -> None:
    lab.targets(IN)
    program = f"""
from katakei.lab.traffic import Traffic
traffic = Traffic({url(lab)!r}, rate=10)
traffic.start()
print(traffic._process.pid, flush=True)
input()
"""
    owner = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with owner:
        assert owner.stdout
        pid = int(owner.stdout.readline())
        os.kill(owner.pid, signal.SIGKILL)

    def ended() -> bool:
        try:
            with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - one line of /proc
                return stat.read().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    assert clock.wait_for(ended, within=5)
