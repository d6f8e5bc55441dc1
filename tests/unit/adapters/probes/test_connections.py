"""The witness over a carrier: what it dates, when it asks again, and that nothing it cannot know is quiet."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from tests.contracts.fake_account import TurnedClock
from tests.contracts.machine import Machine, start
from tests.unit.adapters.probes.world import LocalCarrier, Wire, group, watched

from katakei.adapters.executors.mark import MarkState
from katakei.adapters.probes import connections
from katakei.adapters.probes.connections import Connections
from katakei.adapters.probes.program_rounds import SILENT
from katakei.adapters.system.clock import SystemClock
from katakei.domain.errors import NoAnswerError
from katakei.domain.model import Group, Target, TargetId
from katakei.domain.observation import DrainEvidence, ProbeVerdict
from katakei.domain.ports import ProbedTarget, ProgramOutput
from katakei.domain.spec import DrainUntil

T = TypeVar("T")
START = datetime(2026, 1, 1, tzinfo=UTC)
ONE = TargetId("i-1")
SECOND = timedelta(seconds=1)


class Paper:
    """A carrier whose targets answer what the test writes, when it writes it."""

    self_from = "ME"

    def __init__(self) -> None:
        self.sent: list[tuple[Target, ...]] = []
        self.texts: list[str] = []
        self.answers: dict[TargetId, ProgramOutput] = {}
        self.down = ""

    def send(self, program: str, targets: Sequence[Target], within: timedelta) -> str:  # noqa: ARG002 - nothing runs here
        if self.down:
            raise NoAnswerError(self.down)
        self.sent.append(tuple(targets))
        self.texts.append(program)
        return str(len(self.sent))

    def heard(self, ticket: str) -> Mapping[TargetId, ProgramOutput]:
        its = {target.id for target in self.sent[int(ticket) - 1]}
        return {target: self.answers.pop(target) for target in its & set(self.answers)}


def _said(
    mode: str = "quiet", *, began: int = 100_000, at: int = 100_000, groups: Sequence[str] = (), **more: object
) -> ProgramOutput:
    lines = [f"katakei-count {mode} ss 1 {began}", f"at {at}", f"sample x {len(groups)} 0 0 0"]
    lines += [f"group {each}" for each in groups]
    lines += [f"{name} {value}" for name, value in more.items() if name != "arrivals"]
    return ProgramOutput("\n".join((*lines, f"arrivals {more.get('arrivals', 0)}", "katakei-end", "")))


BUSY = "ESTAB 0 0 1 received young 1 2000 2000"


class Told:
    """A witness, its clock and its paper."""

    def __init__(self, until: DrainUntil = DrainUntil.PROOF) -> None:
        self.clock, self.paper = TurnedClock(START), Paper()
        self.probe = Connections(self.paper, self.clock, until, 5 * SECOND)

    def look(self, *targets: ProbedTarget) -> Mapping[TargetId, DrainEvidence]:
        return self.probe.look(targets or (watched(80),))


def test_verdict_is_dated_by_its_earliest_moment() -> None:
    it = Told()
    it.look()
    it.clock.sleep(12 * SECOND)
    it.paper.answers[ONE] = _said(began=100_000, at=100_400)
    found = it.look()[ONE]
    assert (found.verdict, found.begun, found.ended) == (ProbeVerdict.QUIET, START, START + 4 * SECOND)


def test_fast_answer_measures_the_clock() -> None:
    """The second program began 9 s after it was sent, which the first one's uptime tells."""
    it = Told()
    it.look()
    it.paper.answers[ONE] = _said(began=100_000, at=100_000, groups=[BUSY])
    it.look()
    it.clock.sleep(10 * SECOND)
    it.paper.answers[ONE] = _said(began=100_900, at=101_000)
    assert it.look()[ONE].ended == START + 10 * SECOND


def test_rebooted_target_has_new_uptime() -> None:
    it = Told()
    it.look()
    it.paper.answers[ONE] = _said(began=900_000, at=900_000, groups=[BUSY])
    it.clock.sleep(60 * SECOND)
    it.look()
    it.clock.sleep(5 * SECOND)
    it.paper.answers[ONE] = _said(began=2_000, at=2_100)
    assert it.look()[ONE].ended == START + 61 * SECOND


def test_busy_target_is_asked_again_sooner_than_quiet() -> None:
    it = Told()
    for answer, sent in ((_said(groups=[BUSY]), 2), (_said(), 2), (None, 2)):
        it.look()
        if answer:
            it.paper.answers[ONE] = answer
        it.look()
        assert len(it.paper.sent) == sent
    it.clock.sleep(connections.AGAIN)
    it.look()
    it.look()
    assert len(it.paper.sent) == 3


def test_program_goes_to_fifty_targets_once() -> None:
    it = Told()
    many = [watched(80, name=f"i-{n}") for n in range(120)]
    it.look(*many)
    it.look(*many)
    assert [len(batch) for batch in it.paper.sent] == [50, 50, 20]


def test_blind_target_is_not_asked() -> None:
    it = Told()
    found = it.look(watched(80, blind="published elsewhere"))[ONE]
    assert (found.verdict, found.why, it.paper.sent) == (ProbeVerdict.BLIND, "published elsewhere", [])


@pytest.mark.parametrize(
    ("printed", "why"),
    [
        (ProgramOutput("", "its agent did not answer"), "the probe had no answer: its agent did not answer"),
        (ProgramOutput(_said().out[:-4]), "the probe had no answer: its answer was incomplete"),
        (_said("baseline"), "the probe had no answer: its answer was incomplete"),
        (ProgramOutput("sh: 1: Syntax error"), "the probe had no answer: its answer was incomplete"),
    ],
)
def test_incomplete_answer_is_blind_and_repeated(printed: ProgramOutput, why: str) -> None:
    it = Told()
    it.look()
    it.paper.answers[ONE] = printed
    found = it.look()[ONE]
    assert (found.verdict, found.why, len(it.paper.sent)) == (ProbeVerdict.BLIND, why, 2)


def test_missing_answer_is_given_up() -> None:
    it = Told()
    it.look()
    it.clock.sleep(connections.LOOK + SILENT + SECOND)
    found = it.look()[ONE]
    assert (found.verdict, found.why) == (
        ProbeVerdict.BLIND,
        "the probe had no answer: the program sent to it had no answer",
    )


def test_failing_runner_makes_nothing_quiet() -> None:
    it = Told()
    it.paper.down = "SendCommand had no answer"
    found = it.look()[ONE]
    assert (found.verdict, found.why) == (ProbeVerdict.BLIND, "the probe cannot be sent: SendCommand had no answer")


def test_baseline_repeats_until_every_port_was_seen() -> None:
    it = Told()
    two = [watched(80, 8080)]
    assert it.probe.baseline(two) == {}
    it.paper.answers[ONE] = _said("baseline", seen=80)
    assert "on port 8080" in it.probe.baseline(two)[ONE]
    it.paper.answers[ONE] = _said("baseline", seen=8080)
    assert it.probe.baseline(two) == {ONE: ""}
    it.probe.baseline(two)
    assert len(it.paper.sent) == 2


def test_arrivals_are_summed_since_quiet() -> None:
    it = Told()
    it.look()
    it.paper.answers[ONE] = _said(began=100_000, at=100_700)
    it.clock.sleep(7 * SECOND)
    it.look()
    it.probe.arrivals([watched(80)])
    assert "seconds=5 ports=80" in it.paper.texts[-1]
    assert "since=100700" in it.paper.texts[-1]
    it.paper.answers[ONE] = _said("arrivals", at=103_000, arrivals=3)
    assert it.probe.arrivals([watched(80)]) == {ONE: 3}
    assert "seconds=30 ports=80" in it.paper.texts[-1]
    assert "since=103000" in it.paper.texts[-1]
    it.paper.answers[ONE] = _said("arrivals", at=106_000, arrivals=2)
    assert it.probe.arrivals([watched(80)]) == {ONE: 5}


def test_arrivals_of_former_attempt_do_not_count() -> None:
    it = Told()
    it.probe.arrivals([watched(80)])
    it.clock.sleep(5 * SECOND)
    it.look()
    it.paper.answers[ONE] = _said(began=100_000, at=100_100)
    it.clock.sleep(SECOND)
    it.look()
    it.paper.answers[ONE] = _said("arrivals", arrivals=3)
    assert it.probe.arrivals([watched(80)]) == {}


@pytest.mark.parametrize(
    ("other", "until"),
    [(group("b"), "answered"), (group("b", protocol="HTTPS"), "proof"), (group("b", version="GRPC"), "proof")],
)
def test_one_group_beyond_http1_disables_answered(other: Group, until: str) -> None:
    one, it = watched(80), Told(DrainUntil.ANSWERED)
    it.look(ProbedTarget(one.target, (*one.groups, other)))
    assert f"\ni-1 mode=quiet until={until} " in it.paper.texts[0]


def test_longest_idle_timeout_of_groups_counts() -> None:
    one, it = watched(80), Told()
    it.look(ProbedTarget(one.target, (*one.groups, group("slow", idle=timedelta(seconds=200)))))
    assert "\ni-1 mode=quiet until=proof idle=205000 " in it.paper.texts[0]


def _until_known(
    ask: Callable[[], Mapping[TargetId, T]], targets: Sequence[ProbedTarget], wanted: Callable[[T], bool]
) -> None:
    deadline = time.monotonic() + 25
    while True:
        found = ask()
        if len(found) == len(targets) and all(wanted(each) for each in found.values()):
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def _last(probe: Connections, targets: Sequence[ProbedTarget], name: str) -> tuple[int, str]:
    text = probe.last_look(targets)
    done = subprocess.run(
        ["dash", "-c", text],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, LocalCarrier.self_from: name},
        timeout=20,
    )
    return done.returncode, done.stdout


def test_real_targets_go_from_serving_to_late_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "RUN", 2 * SECOND)
    wires = [Wire.open(address=f"127.0.0.{n}") for n in (2, 3)]
    targets = [watched(wire.port, address=f"127.0.0.{n}", name=f"i-{n}") for n, wire in enumerate(wires, 2)]
    carrier, clock = LocalCarrier(), SystemClock()
    probe = Connections(carrier, clock, DrainUntil.ANSWERED, timedelta(milliseconds=300))
    try:
        for wire in wires:
            wire.ask()
        _until_known(lambda: probe.baseline(targets), targets, lambda blind: not blind)
        assert _last(probe, targets, "i-3")[0] == 75
        begun = clock.now()
        for wire in wires:
            wire.answer()
        _until_known(lambda: probe.look(targets), targets, lambda each: each.verdict is ProbeVerdict.QUIET)
        assert all(begun - SECOND <= each.begun <= each.ended <= clock.now() for each in probe.look(targets).values())
        assert _last(probe, targets, "i-3") == (0, "")
        for wire in wires:
            wire.ask()
        _until_known(lambda: probe.arrivals(targets), targets, lambda came: came == 1)
    finally:
        carrier.close()
        for wire in wires:
            wire.close()


def test_last_look_with_traffic_refuses_for_good(tmp_path: Path) -> None:
    wires = [Wire.open(address=f"127.0.0.{n}") for n in (2, 3)]
    targets = [watched(wire.port, address=f"127.0.0.{n}", name=f"i-{n}") for n, wire in enumerate(wires, 2)]
    probe = Connections(Paper(), TurnedClock(START), DrainUntil.ANSWERED, timedelta(milliseconds=50))
    for wire in wires:
        wire.ask()
    time.sleep(0.02)
    wires[1].answer()
    text = probe.last_look(targets)
    told = {}
    for name in ("i-2", "i-3"):
        machine = Machine(tmp_path / name, name=name)
        _, answer = machine.run(start("echo begun", machine=name, probe=text))
        told[name] = answer.marks[0]
    for wire in wires:
        wire.close()
    assert told["i-2"].state is MarkState.FORBIDDEN
    assert told["i-2"].why.startswith(f"refused by the witness: 1 of 1 connections to port {wires[0].port} may hold")
    assert (told["i-3"].state, told["i-3"].out) == (MarkState.ENDED, "begun\n")
