"""Tests of `gates:` in katakei.yml: approvals, their defaults, and every fault with its line."""

from datetime import timedelta
from pathlib import Path

import pytest

from katakei import config
from katakei.domain.errors import UsageError
from katakei.domain.gate_conditions import GateMoment, GateOutcome, GateProbe, Hours, OpenHours
from katakei.domain.spec import Approval, ExpiryDefault, Gate

SMALL = "service: shop\nbalancer: {alb: {target_groups: [web]}}\nwork: {ssm: {run: ./deploy}}\n"


def gates_of(folder: Path, text: str) -> tuple[Gate, ...]:
    file = folder / "katakei.yml"
    file.write_text(f"{SMALL}gates:{text}\n", encoding="utf-8")
    return config.load(file, config.Overrides()).gates


def test_gates_keep_their_order_and_defaults(tmp_path: Path) -> None:
    written = """
  - approval: {}
  - approval: {name: rest, after: 2, expires: 30m, default: pause}"""
    assert gates_of(tmp_path, written) == (
        Gate("approval", 0, Approval(timedelta(hours=4), ExpiryDefault.ABORT)),
        Gate("rest", 2, Approval(timedelta(minutes=30), ExpiryDefault.PAUSE)),
    )
    assert gates_of(tmp_path, " []") == ()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (" [{approval: {}}, {approval: {}}]", "each gate needs a name of its own; several are named approval"),
        (" [{approval: {after: -1}}]", "gates[0].approval.after"),
        (" [{approval: {after: two}}]", "gates[0].approval.after"),
        (" [{approval: {expires: 0s}}]", "gates[0].approval.expires"),
        (" [{approval: {default: go}}]", "gates[0].approval.default"),
        (" [{approval: {who: kim}}]", "who"),
        (" [{}]", "approval"),
        (" [{sundial: {}}]", "sundial"),
        (" {approval: {}}", "gates"),
    ],
)
def test_faulty_gate_is_reported_with_its_line(tmp_path: Path, written: str, said: str) -> None:
    with pytest.raises(UsageError) as fault:
        gates_of(tmp_path, written)
    assert said in str(fault.value)
    assert "katakei.yml:4" in str(fault.value)


def test_hours_name_days_times_and_a_zone(tmp_path: Path) -> None:
    written = """
  - hours: {open: [mon-fri 09:00-17:00, "SAT 22:00-02:00", fri-mon 00:00-24:00], zone: Asia/Tokyo}"""
    opened = (
        OpenHours((0, 1, 2, 3, 4), 540, 1020),
        OpenHours((5,), 1320, 120),
        OpenHours((4, 5, 6, 0), 0, 1440),
    )
    assert gates_of(tmp_path, written) == (Gate("hours", hours=Hours(opened, "Asia/Tokyo")),)


def test_probe_has_moments_and_an_outcome(tmp_path: Path) -> None:
    written = """
  - probe: {url: "http://127.0.0.1/quiet"}
  - probe: {name: errors, after: 1, url: "https://status.example/ok", expect: 200-204, at: [end, soak], then: stop}"""
    assert gates_of(tmp_path, written) == (
        Gate("probe", probe=GateProbe("http://127.0.0.1/quiet")),
        Gate(
            "errors",
            1,
            probe=GateProbe("https://status.example/ok", "200-204"),
            moments=(GateMoment.SOAK, GateMoment.END),
            outcome=GateOutcome.STOP,
        ),
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (" [{approval: {}, hours: {open: [mon 09:00-10:00], zone: UTC}}]", "exactly one of approval, hours, probe"),
        (" [{hours: {open: [], zone: UTC}}]", "is empty; name at least one"),
        (" [{hours: {zone: UTC}}]", "gates[0].hours.open"),
        (" [{hours: {open: [mon 09:00-10:00]}}]", "gates[0].hours.zone"),
        (" [{hours: {open: [mon 09:00-09:00], zone: UTC}}]", "never opens"),
        (" [{hours: {open: [mon 24:00-09:00], zone: UTC}}]", "begins after the end of the day"),
        (" [{hours: {open: [mon 09:60-10:00], zone: UTC}}]", "is no time of a day"),
        (" [{hours: {open: [mon 09:00-24:01], zone: UTC}}]", "is no time of a day"),
        (" [{hours: {open: [noon], zone: UTC}}]", "names no hours; write mon-fri 09:00-17:00"),
        (" [{hours: {open: [9], zone: UTC}}]", "names no hours"),
        (" [{hours: {open: [mon 09:00-10:00], zone: Mars/Base}}]", "is no time zone of this machine"),
        (" [{hours: {open: [mon 09:00-10:00], zone: ../UTC}}]", "is no time zone of this machine"),
        (" [{hours: {open: [mon 09:00-10:00], zone: Asia}}]", "is no time zone of this machine"),
        (" [{probe: {}}]", "gates[0].probe.url"),
        (" [{probe: {url: 'ftp://a/b'}}]", "must be a URL"),
        (" [{probe: {url: 'http:///x'}}]", "names no host"),
        (" [{probe: {url: 'http://a:99999/'}}]", "has a port that does not exist"),
        (" [{probe: {url: 'http://a/', expect: soon}}]", "is not an HTTP status code"),
        (" [{probe: {url: 'http://a/', at: [noon]}}]", "gates[0].probe.at"),
        (" [{probe: {url: 'http://a/', at: []}}]", "is empty; name at least one"),
        (" [{probe: {url: 'http://a/', then: dance}}]", "gates[0].probe.then"),
        (" [{probe: {url: 'http://a/', then: revert}}]", "revert needs a command"),
        (" [{probe: {url: 'http://a/'}}, {probe: {url: 'http://b/'}}]", "several are named probe"),
    ],
)
def test_faulty_condition_is_reported_with_its_line(tmp_path: Path, written: str, said: str) -> None:
    with pytest.raises(UsageError) as fault:
        gates_of(tmp_path, written)
    assert said in str(fault.value)
    assert "katakei.yml:4" in str(fault.value)
