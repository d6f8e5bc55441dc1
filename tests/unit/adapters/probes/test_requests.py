"""The probe of requests over a carrier: what it asks, what it believes, and who stands in for a reader that is gone."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from tests.contracts.fake_account import TurnedClock
from tests.unit.adapters.probes.test_connections import Paper
from tests.unit.adapters.probes.world import group, watched

from katakei.adapters.probes.requests import Requests, judge, read_answer
from katakei.domain.model import RolloutId, Target, TargetId
from katakei.domain.observation import DrainEvidence, ProbeVerdict
from katakei.domain.ports import ProbedTarget, ProgramOutput
from katakei.domain.spec import DrainUntil

START = datetime(2026, 1, 1, tzinfo=UTC)
ONE, TWO = TargetId("i-1"), TargetId("i-2")
SECOND = timedelta(seconds=1)
COUNTS = "idle=3 lost=0 oldest=0 requests=0 silent=1 unknown=0 verdict=quiet"


class StandIn:
    """Another probe that says who was asked about."""

    def __init__(self) -> None:
        self.unseeable: dict[TargetId, str] = {}
        self.looked: list[TargetId] = []

    def baseline(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, str]:
        return {each.target.id: self.unseeable.get(each.target.id, "") for each in targets}

    def look(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, DrainEvidence]:
        self.looked += [each.target.id for each in targets]
        return {each.target.id: DrainEvidence(ProbeVerdict.BUSY, START, START, "1 connection", 1) for each in targets}

    def arrivals(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, int]:
        return {each.target.id: 7 for each in targets}

    def last_look(self, targets: Sequence[ProbedTarget]) -> str:
        return f"echo stand-in for {' '.join(sorted(each.target.id for each in targets))}; exit 75\n"

    def unable(self, targets: Sequence[ProbedTarget], by: timedelta) -> Mapping[TargetId, str]:
        del targets, by
        return {}

    def end(self, targets: Sequence[ProbedTarget], *, forbid: bool) -> None:
        """It leaves nothing running."""


class Told:
    def __init__(self, fallback: DrainUntil | None = None) -> None:
        self.clock, self.paper, self.stand_in = TurnedClock(START), Paper(), StandIn()
        self.probe = Requests(self.paper, self.clock, self.stand_in, fallback)

    @property
    def modes(self) -> list[str]:
        """What was asked so far."""
        return [mode for text in self.paper.texts for mode in re.findall(r"mode=([a-z]+) key", text)]

    def hear(self, line: str, target: TargetId = ONE, began: int = 100_000) -> None:
        self.paper.answers[target] = ProgramOutput(f"katakei-requests {began}\n{line}\nkatakei-end\n")

    def started(self) -> "Told":
        self.probe.baseline([it()])
        self.hear("answer at=100000 lost=0 since=99000")
        assert self.probe.baseline([it()]) == {ONE: ""}
        return self


def it(name: str = "i-1", *, blind: str = "", protocol: str = "HTTP", address: str = "10.0.0.5") -> ProbedTarget:
    probed = watched(80, name=name, address=address, blind=blind, of=group(protocol=protocol))
    return ProbedTarget(probed.target, probed.groups, blind, RolloutId("r-1"))


def test_baseline_begins_a_reader_and_waits_for_its_answer() -> None:
    told = Told()
    assert told.probe.baseline([it()]) == {}
    assert "mode=start key=r-1 ports=80 addresses=10.0.0.5" in told.paper.texts[0]
    told.hear("answer at=100000 lost=0 since=99000")
    assert told.probe.baseline([it()]) == {ONE: ""}


def test_baseline_keeps_the_reader_while_its_target_waits() -> None:
    told = Told().started()
    told.clock.sleep(119 * SECOND)
    told.probe.baseline([it()])
    assert told.modes == ["start"]
    told.clock.sleep(SECOND)
    told.probe.baseline([it()])
    assert told.modes == ["start", "start"]


def test_baseline_needs_the_stand_in_to_see_the_traffic() -> None:
    told = Told().started()
    told.stand_in.unseeable[ONE] = "no traffic"
    assert told.probe.baseline([it()]) == {ONE: "no traffic"}


@pytest.mark.parametrize("said", ["unable it needs root (CAP_NET_RAW) to read the packets of the port", "rubbish"])
def test_a_target_without_reader_drains_by_the_stand_in(said: str) -> None:
    told = Told()
    told.probe.baseline([it()])
    told.hear(said)
    assert told.probe.baseline([it()]) == {ONE: ""}
    found = told.probe.look([it()])[ONE]
    assert found.verdict is ProbeVerdict.BUSY
    assert found.why.startswith("1 connection (no verdict of the reader of requests: ")
    assert told.modes == ["start"]


def test_a_start_that_cannot_be_sent_leaves_it_to_the_stand_in() -> None:
    told = Told()
    told.paper.down = "throttled"
    assert told.probe.baseline([it()]) == {ONE: ""}
    assert told.probe.look([it()])[ONE].why == "1 connection (no verdict of the reader of requests: throttled)"
    told.paper.down = ""
    told.probe.baseline([it()])
    assert told.modes == ["start"]


def test_a_quiet_verdict_is_dated_by_the_uptime_of_the_target() -> None:
    told = Told().started()
    assert told.probe.look([it()]) == {}
    told.clock.sleep(9 * SECOND)
    told.hear(f"answer at=100250 {COUNTS}")
    found = told.probe.look([it()])[ONE]
    assert (found.verdict, found.begun, found.ended) == (ProbeVerdict.QUIET, START, START + timedelta(seconds=2.5))
    assert found.why == "no request in progress, 4 connections idle"
    assert "seconds=15 idle=65000 times=3" in told.paper.texts[-1]


def test_a_busy_verdict_counts_requests_and_unknown_connections() -> None:
    words = dict(word.split("=") for word in COUNTS.split())
    assert judge({**words, "verdict": "busy", "requests": "2", "oldest": "3999", "unknown": "4"}) == (
        ProbeVerdict.BUSY,
        "2 requests in progress, oldest 3 s; 4 connections unknown",
        6,
    )
    assert judge({**words, "verdict": "busy", "unknown": "1"})[1:] == ("1 connection unknown", 1)
    assert judge({**words, "verdict": "busy"})[0] is ProbeVerdict.BUSY
    assert judge({**words, "verdict": "elsewhere"})[0] is ProbeVerdict.BLIND


@pytest.mark.parametrize("count", ["requests=1", "unknown=1"])
def test_quiet_is_not_believed_beside_pending_counts(count: str) -> None:
    words = dict(word.split("=") for word in f"{COUNTS} {count}".split())
    assert judge(words)[0] is ProbeVerdict.BUSY


@pytest.mark.parametrize("gone", ["gone none runs there", "gone it has died", "gone it does not answer"])
def test_a_reader_that_is_gone_gives_no_verdict(gone: str) -> None:
    told = Told().started()
    told.probe.look([it()])
    told.hear(gone)
    assert told.probe.look([it()])[ONE].why.startswith("1 connection (no verdict of the reader of requests: ")
    assert told.probe.last_look([it()]) == "echo stand-in for i-1; exit 75\n"
    told.clock.sleep(30 * SECOND)
    told.probe.look([it()])
    assert told.modes == ["start", "look", "look"]


def test_an_old_quiet_verdict_ends_with_its_reader() -> None:
    told = Told().started()
    told.probe.look([it()])
    told.hear(f"answer at=100200 {COUNTS}")
    assert told.probe.look([it()])[ONE].verdict is ProbeVerdict.QUIET
    told.clock.sleep(6 * SECOND)
    told.probe.look([it()])
    told.hear("gone it has died")
    assert told.probe.look([it()])[ONE].verdict is ProbeVerdict.BUSY
    told.clock.sleep(30 * SECOND)
    assert told.probe.look([it()]) == {}, "asked again, and not answered yet"


def test_the_longest_idle_timeout_of_the_groups_is_asked_for() -> None:
    told = Told().started()
    target = it()
    groups = (*target.groups, group("other", idle=300 * SECOND))
    told.probe.look([ProbedTarget(target.target, groups, "", target.rollout)])
    assert "idle=305000" in told.paper.texts[-1]


def test_another_owner_finds_the_reader_by_its_key() -> None:
    told = Told()
    told.probe.look([it()])
    told.hear(f"answer at=100200 {COUNTS}")
    assert told.probe.look([it()])[ONE].verdict is ProbeVerdict.QUIET
    assert told.modes == ["look"]


@pytest.mark.parametrize(
    "output",
    [
        "",
        "katakei-requests 1\nkatakei-end\n",
        f"katakei-requests 1\nanswer at=1 {COUNTS}\n",
        f"katakei-requests x\nanswer at=1 {COUNTS}\nkatakei-end\n",
        f"katakei-requests 1\nanswer {COUNTS}\nkatakei-end\n",
        "katakei-requests 1\nanswer at=1 verdict=quiet\nkatakei-end\n",
        f"katakei-requests 1\nanswer at=1 {COUNTS} requests=-1\nkatakei-end\n",
        f"katakei-requests 1\nsomething at=1 {COUNTS}\nkatakei-end\n",
        "katakei-requests 1\nanswer at=1 verdict\nkatakei-end\n",
    ],
)
def test_an_incomplete_answer_is_no_answer(output: str) -> None:
    assert read_answer(output) is None


@pytest.mark.parametrize(("protocol", "address"), [("HTTPS", "10.0.0.5"), ("HTTP", "")])
def test_targets_without_plain_http_or_address_are_left_to_the_fallback(protocol: str, address: str) -> None:
    told = Told(DrainUntil.PROOF)
    target = it(protocol=protocol, address=address)
    assert told.probe.baseline([target]) == {ONE: ""}
    assert told.probe.look([target])[ONE].why == "1 connection"
    told = Told(DrainUntil.DELAY)
    assert told.probe.baseline([target])[ONE].startswith("requests cannot be counted: ")
    assert told.paper.sent == []


def test_a_blind_target_is_left_to_the_stand_in() -> None:
    told = Told().started()
    told.probe.look([it(blind="no traffic")])
    assert told.stand_in.looked == [ONE]


def test_arrivals_come_from_the_connections() -> None:
    assert Told().probe.arrivals([it()]) == {ONE: 7}


def test_last_look_of_several_targets_asks_each_as_it_must() -> None:
    told = Told()
    text = told.probe.last_look([it(), it("i-2", protocol="HTTPS")])
    done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, env={"ME": "i-2"}, check=False)
    assert (done.returncode, done.stdout) == (75, "stand-in for i-2\n")
    path = {"ME": "i-1", "PATH": "/usr/bin:/bin", "KATAKEI_STATE": "/nonexistent"}
    done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, env=path, check=False)
    assert done.returncode == 76
    assert "gives no verdict" in done.stdout


def test_unable_names_targets_on_which_no_reader_can_begin() -> None:
    told = Told()
    two = [it(), it("i-2")]

    class Later(TurnedClock):
        def sleep(self, span: timedelta) -> None:
            super().sleep(span)
            told.hear("able", ONE)
            told.hear("unable it has no python3 of version 3.6 or later", TWO, began=0)

    told.clock = Later(START)
    told.probe = Requests(told.paper, told.clock, told.stand_in, None)
    why = "the reader of requests cannot run there: it has no python3 of version 3.6 or later"
    assert told.probe.unable(two, 15 * SECOND) == {TWO: why}
    assert told.clock.now() == START + SECOND


def test_unable_waits_for_a_bounded_time_and_not_with_a_fallback() -> None:
    told = Told()
    assert told.probe.unable([it()], 15 * SECOND) == {}
    assert told.clock.now() == START + 15 * SECOND
    told = Told(DrainUntil.PROOF)
    assert told.probe.unable([it()], 15 * SECOND) == {}
    assert told.paper.sent == []


def test_end_reaches_only_targets_that_may_have_a_reader() -> None:
    told = Told().started()
    told.probe.end([it(), it("i-2", protocol="HTTPS")], forbid=True)
    assert told.paper.sent[-1] == (it().target,)
    assert "mode=end key=r-1" in told.paper.texts[-1]
    assert "forbid=1" in told.paper.texts[-1]


def test_a_program_for_fifty_targets_fits_into_one_command() -> None:
    told = Told()
    many: list[ProbedTarget] = [it(f"i-0123456789abcde{number:02}") for number in range(50)]
    told.probe.baseline(many)
    told.probe.look(many)
    assert [len(each) for each in told.paper.sent] == [50, 50]
    assert max(map(len, told.paper.texts)) < 45_000
    assert isinstance(told.paper.sent[0][0], Target)
