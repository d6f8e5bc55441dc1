"""Speed of a journal: appends and replays a second, and the replay of a long history.

`python -m bench.scale.journal_speed URL` measures the journal of that URL, which should be empty.
"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from botocore.session import Session

from bench.scale.simulated_aws import NOON, Shape, SimulatedAws
from bench.scale.simulated_rollout import ID, OWNER, MemoryJournal, plan_of, roll
from katakei.bootstrap import Process
from katakei.domain import events as e
from katakei.domain.aws_place import AwsPlace
from katakei.domain.model import RolloutId
from katakei.domain.replay import replay
from katakei.lab.options import REGION, LabOptions
from katakei.lab.process import Lab

LONG = 50_000
BATCH = 50  # events in one append of the long history
TIMES = 300


def speeds(url: str, long: int = LONG, times: int = TIMES) -> str:
    """Returns the cells of one row."""
    wiring = Process(AwsPlace(), url)
    try:
        one, ten = (_appends(wiring, events, times) for events in (1, 10))
        appended = f"| {one:,.0f} appends/s of one event | {10 * ten:,.0f} events/s, ten in an append"
        return f"{appended} | {_replayed(wiring, long)} |"
    finally:
        wiring.close()


def _appends(wiring: Process, events: int, times: int) -> float:
    """Returns durable appends per second of real time."""
    journal, leases = wiring.journal, wiring.leases
    aws, rollout = SimulatedAws(Shape(2)), RolloutId(f"r-appends-{events}")
    lease = leases.take(frozenset(group.arn for group in aws.groups), OWNER, rollout)
    journal.append(lease, rollout, 0, [e.Planned(NOON, replace(plan_of(aws, 1), rollout=rollout))])
    one = e.ObservedOut(NOON, aws.targets[0].id)
    begun = wiring.clock.now()
    for number in range(times):
        journal.append(lease, rollout, 1 + number * events, [one] * events)
    took = wiring.clock.now() - begun
    leases.release(lease)
    return times / took.total_seconds()


def _replayed(wiring: Process, long: int) -> str:
    """Read and replay a real history of at least so many events."""
    journal, leases = wiring.journal, wiring.leases
    aws, paper = SimulatedAws(Shape(-(-long // 12))), MemoryJournal()
    roll(aws, max(1, aws.shape.targets // 10), paper, paper)
    lease = leases.take(frozenset(group.arn for group in aws.groups), OWNER, ID)
    for at in range(0, len(paper.events), BATCH):
        journal.append(lease, ID, at, paper.events[at : at + BATCH])
    begun, cpu = wiring.clock.now(), process_time()
    events = journal.read(ID, 0)
    replay(events)
    took, cost = (wiring.clock.now() - begun).total_seconds(), process_time() - cpu
    leases.release(lease)
    return f"{len(events):,} events in {took:.2f} s ({cost:.2f} s CPU), {len(events) / took:,.0f} events/s"


def table(*urls: str) -> str:
    """Returns the table: SQLite in a temporary folder, the lab's S3, and each URL."""
    with TemporaryDirectory() as folder:
        rows = [_row("SQLite", f"sqlite:///{Path(folder) / 'journal.db'}"), _on_the_lab()]
    rows += [_row(_kind(url), url) for url in urls]
    return "\n".join(["| journal | appends | batches | read and replayed |", "|---|---|---|---|", *rows])


def _row(name: str, url: str) -> str:
    return f"| {name} {speeds(url)}"


def _kind(url: str) -> str:
    return url.partition(":")[0]


def _on_the_lab() -> str:
    """Measure a bucket of a new lab, in a process whose AWS is that lab."""
    with Lab(LabOptions(targets=0)) as lab:
        session: Any = Session()
        session.set_credentials("lab", "lab")
        client = session.create_client("s3", REGION, endpoint_url=lab.endpoint)
        client.create_bucket(Bucket="journals", CreateBucketConfiguration={"LocationConstraint": REGION})
        row = [sys.executable, "-m", "bench.scale.journal_speed", "s3://journals/bench", "S3 of the lab"]
        return subprocess.run(row, env=lab.over(os.environ), check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.stdout.write(_row(sys.argv[2] if sys.argv[2:] else _kind(sys.argv[1]), sys.argv[1]))
