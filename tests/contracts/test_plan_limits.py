"""Static limits of AWS and of the operating system that a plan can break: each is found before anything is changed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.given import a_plan

from katakei import config
from katakei.adapters.executors.local.exec_limits import PAGES_PER_STRING
from katakei.adapters.journals.locations import MAX_PREFIX, s3_location_of
from katakei.adapters.probes.program_rounds import BATCH, ROOM, _batches
from katakei.app.preflight import check_fits
from katakei.bootstrap import Bootstrap, open_drivers
from katakei.domain.errors import ExitCode, UsageError
from katakei.domain.model import Target, TargetId
from katakei.domain.spec import Command, Limits, Spec, Variable

PIECE = os.sysconf("SC_PAGE_SIZE") * PAGES_PER_STRING
SUM = os.sysconf("SC_ARG_MAX")
LONG, SHORT = Limits(working=timedelta(hours=48)), Limits(working=timedelta(hours=47))
FILE = """\
service: shop
balancer: {{alb: {{target_groups: [web]}}}}
work: {{ssm: {{run: deploy}}}}
drain: {drain}
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a single string")


@dataclass(frozen=True)
class Row:
    """One limit, what breaks it, and what just keeps it.

    Attributes:
        source: whose limit the sentence names.
        broken: fields of the spec.
        kept: fields of a spec that is fine.

    """

    source: str
    broken: dict[str, Any]
    kept: dict[str, Any] = field(default_factory=dict)


def ssm(run: str = "deploy", **env: str) -> Command:
    return Command("ssm", run, env=tuple(Variable(name, value) for name, value in env.items()))


def local(run: str = "deploy", *argv: str, **env: str) -> Command:
    return Command("local", "" if argv else run, argv, tuple(Variable(name, value) for name, value in env.items()))


ROWS = {
    "time of the work": Row(
        "48h 00m that Run Command lets", {"work": ssm(), "limits": LONG}, {"work": ssm(), "limits": SHORT}
    ),
    "time of the revert": Row(
        "48h 00m that Run Command lets", {"work": local(), "revert": ssm(), "limits": LONG}, {"limits": SHORT}
    ),
    "size of a command": Row(
        r"Run Command carries \(56000\)", {"work": ssm("#" * 45_000)}, {"work": ssm("#" * 25_000)}
    ),
    "size of a revert": Row(r"Run Command carries \(56000\)", {"revert": ssm("#" * 45_000)}),
    "size of a value": Row(
        r"Run Command carries \(56000\)",
        {"work": ssm(RELEASE_NOTES="n" * 60_000)},
        {"work": ssm(RELEASE_NOTES="n" * 9_000)},
    ),
    "local command": Row(
        r"the command of the local work takes \d+ bytes, and Linux passes at most",
        {"work": local("#" * PIECE)},
        {"work": local("#" * (PIECE - 1))},
    ),
    "local word": Row(
        r"word 2 of argv of the local work takes \d+ bytes, and Linux passes at most",
        {"work": local("", "deploy", "é" * (PIECE // 2))},
        {"work": local("", "deploy", "é" * (PIECE // 2 - 1))},
    ),
    "local value": Row(
        r"the variable NOTES of the local work takes \d+ bytes, and Linux passes at most",
        {"work": local(NOTES="n" * (PIECE - len("NOTES=")))},
        {"work": local(NOTES="n" * (PIECE - len("NOTES=") - 1))},
    ),
    "local sum": Row(
        r"take \d+ bytes, and this machine passes at most \d+ to a program \(ARG_MAX\)",
        {"work": local("", "deploy", *(["n" * 1000] * (SUM // 1000)))},
        {"work": local("", "deploy", *(["n" * 1000] * (SUM // 2000)))},
    ),
    "local revert": Row(r"Linux passes at most", {"work": ssm(), "revert": local("#" * PIECE)}),
}


@pytest.fixture
def drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bootstrap]:
    """Real drivers, in a place where every call to AWS would fail."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with open_drivers(region="ap-northeast-1") as made:
        yield made


@linux
@pytest.mark.parametrize("name", ROWS)
def test_limit_is_found_before_the_plan(drivers: Bootstrap, name: str) -> None:
    row = ROWS[name]
    with pytest.raises(UsageError, match=row.source) as raised:
        check_fits(drivers, a_plan(**row.broken))
    assert raised.value.code is ExitCode.USAGE
    if row.kept:
        check_fits(drivers, a_plan(**row.kept))


@linux
def test_kernel_agrees_about_longest_string() -> None:
    for size, passes in ((PIECE - 1, True), (PIECE, False)):
        try:
            done = subprocess.run(["sh", "-c", "#" * size], check=False).returncode == 0
        except OSError:
            done = False
        assert done is passes


@pytest.mark.parametrize(
    ("drain", "said"),
    [
        ("{until: answered, quiet: 25h}", "drain.quiet: must be 24h or less, because Run Command ends"),
        (
            f"{{until: counter, counter: {{command: '{'#' * 16_001}'}}}}",
            r"drain.counter: takes 16001 bytes, more than Run Command carries beside the probe \(16000\)",
        ),
    ],
)
def test_limit_of_probe_is_fault_of_the_file(tmp_path: Path, drain: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load(tmp_path, drain)


def test_probe_within_its_limits_is_accepted(tmp_path: Path) -> None:
    load(tmp_path, "{until: answered, quiet: 24h}")
    load(tmp_path, f"{{until: counter, counter: {{command: '{'#' * 16_000}'}}}}")


def load(folder: Path, drain: str) -> Spec:
    (folder / "katakei.yml").write_text(FILE.format(drain=drain))
    return config.load(folder / "katakei.yml", config.Overrides())


def test_long_arguments_of_probes_share_fewer_commands() -> None:
    targets = [Target(TargetId(f"i-{number}"), "", "10.0.0.1", "a", ()) for number in range(2 * BATCH + 1)]
    short = list(_batches(targets, {target: ["x"] for target in targets}))
    assert [len(batch) for batch in short] == [BATCH, BATCH, 1]
    long = list(_batches(targets, {target: ["x" * (ROOM // 3)] for target in targets}))
    assert max(len(batch) for batch in long) == 2
    assert [target for batch in long for target in batch] == targets
    alone = list(_batches(targets[:2], {target: ["x" * ROOM] for target in targets}))
    assert [len(batch) for batch in alone] == [1, 1]


def test_prefix_of_s3_journal_leaves_room_for_keys() -> None:
    arn = f"arn:aws-us-gov:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/{'n' * 32}/0123456789abcdef"
    assert MAX_PREFIX + len(f"/rollouts/{arn}/events/0000000001.jsonl") <= 1024
    assert s3_location_of(f"s3://bucket/{'p' * MAX_PREFIX}")
    with pytest.raises(
        UsageError, match=r"prefix of the journal has 801 characters.*Amazon S3 takes keys of 1024 bytes"
    ):
        s3_location_of(f"s3://bucket/{'p' * (MAX_PREFIX + 1)}")
