"""CPU cost of the probe on a busy server: four servers behind 1,000 requests a second.

The servers are nginx, because the sample application would need too much of this machine.
"""

import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.acceptance.load_test import RollCommand
from tests.lab.conftest import Clients
from tests.unit.adapters.probes.world import needed

from katakei.adapters.probes import program_rounds
from katakei.lab import clock
from katakei.lab.options import LabOptions, Target
from katakei.lab.process import Lab
from katakei.lab.traffic import Figures, Traffic

RATE, PROCESSES, RUN = 1000, 2, 15
"""Requests a second, number of processes that send them, and seconds for which the probe is measured."""

CONFIGURATION = """\
service: busy
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain: {settle: 5s, until: proof}
work: {ssm: {run: './bin/restart'}}
check: {http: {path: /health}}
warm: {soak: 3s}
"""
NGINX = """\
worker_processes 1; pid nginx.pid; daemon off;
events { worker_connections 4096; }
http {
  access_log off; keepalive_timeout 4100s; keepalive_requests 1000000000;
  client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server { listen %s:%d backlog=1024; location / { return 200 ok; } }
}
"""


@contextmanager
def busy(lab: Lab) -> Iterator[list[Traffic]]:
    """Run the load from several processes; it always ends."""
    traffic = [Traffic(lab.url, RATE / PROCESSES, slow_fraction=0, clients=50) for _ in range(PROCESSES)]
    for each in traffic:
        each.start()
    try:
        yield traffic
    finally:
        for each in traffic:
            each.stop()


def with_nginx(lab: Lab) -> None:
    """Make every server run nginx from its next boot."""
    nginx = needed("nginx")
    for target in lab.targets:
        folder = Path(target.folder)
        (folder / "nginx.conf").write_text(NGINX % (target.address, target.port))
        (folder / "command").write_text(f'exec {nginx} -p "$PWD" -c "$PWD/nginx.conf" -e stderr\n')
    aws = Clients(lab.env)
    aws.get("ec2").reboot_instances(InstanceIds=[target.id for target in lab.targets])
    clock.sleep(5)
    for target in lab.targets:
        aws.becomes(lab.target_group_arn, target.id, "healthy", 30)


def cost(target: Target) -> float:
    """Returns the CPU of the probe and its children, in percent of one core, while it watches a server for 15 s."""
    words = [
        "mode=quiet",
        "until=proof",
        "idle=65000",
        f"seconds={RUN}",
        f"ports={target.port}",
        f"addresses={target.address}",
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = clock.monotonic()
    done = subprocess.run(
        ["sh", "-c", program_rounds.program("count.sh"), "count", *words], capture_output=True, text=True, check=True
    )
    lasted = clock.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "sample busy" in done.stdout
    return 100 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / lasted


@pytest.mark.acceptance
def test_probe_costs_little_at_a_thousand_requests(tmp_path: Path) -> None:
    options = LabOptions(
        targets=4, delay=timedelta(seconds=300), lag=timedelta(seconds=2), interval=timedelta(seconds=2), port=8080
    )
    (tmp_path / "katakei.yml").write_text(CONFIGURATION)
    with Lab(options) as lab:
        with_nginx(lab)
        with busy(lab) as traffic:
            clock.sleep(3)
            felt = cost(lab.targets[0])
            roll = RollCommand(tmp_path, lab.env, "v2")
            begun = clock.monotonic()
            code = roll.run_to_end(timedelta(minutes=10))
            lasted = clock.monotonic() - begun
            clock.sleep(3)
            seen = [each.stop() for each in traffic]
    told(seen, felt, lasted)
    assert code == 0, roll.output.read_text()
    assert sum(each.failed for each in seen) == 0, [each.first_failures for each in seen]
    assert felt < 10


def told(seen: Sequence[Figures], felt: float, lasted: float) -> None:
    """Print the figures."""
    requests, failed = sum(each.requests for each in seen), sum(each.failed for each in seen)
    rate = sum(each.requests / each.lasted.total_seconds() for each in seen)
    slowest = max(each.slowest for each in seen).total_seconds()
    sys.stdout.write(f"\n{requests} requests at {rate:.0f}/s, {failed} failed, slowest {slowest:.2f} s; ")
    sys.stdout.write(f"rollout of 4: {lasted:.0f} s; the probe: {felt:.2f} % of one core\n")
