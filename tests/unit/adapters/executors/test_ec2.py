"""Tests of the executor ec2: each action happens at most once under its key, after any failure and in any process."""

from datetime import timedelta

import pytest
from tests.contracts.fake_account import TurnedClock
from tests.unit.adapters.executors.fake_ec2 import ID, LAUNCHED, TARGET, FakeEc2, FakeRunner
from tests.unit.given import NOON

from katakei.adapters.executors.ec2 import Ec2Executor
from katakei.adapters.executors.ec2.calls import STOPPED
from katakei.adapters.executors.ec2.claims import Claim, ClaimState, read_claim
from katakei.adapters.executors.manual import ManualExecutor
from katakei.domain.actions import Job
from katakei.domain.errors import NoAnswerError, RejectedError, UnreachableError, UsageError
from katakei.domain.events import WorkKey
from katakei.domain.instances import InstanceAction, InstanceActionKind
from katakei.domain.model import RolloutId
from katakei.domain.observation import WorkState, WorkStatus
from katakei.domain.phases import Intent
from katakei.domain.ports import InstanceReader, ProgramOutput
from katakei.domain.spec import Command

BY, JOB = timedelta(seconds=10), Job("", (), 60)
KEY = WorkKey(RolloutId("r1"), ID, 1, Intent.UPDATE)
REBOOT = InstanceAction(InstanceActionKind.REBOOT)
STOP = InstanceAction(InstanceActionKind.STOP_START)
RESIZE = InstanceAction(InstanceActionKind.STOP_START, "m7g.large", by="")
MINUTE = timedelta(minutes=1)


class Shop:
    """One instance, and processes that work on it one after the other."""

    def __init__(self, action: InstanceAction) -> None:
        self.clock, self.ec2, self.action = TurnedClock(NOON), FakeEc2(), action
        self.runner = FakeRunner(self.ec2)
        self.anew()

    def anew(self) -> None:
        """Another process takes over."""
        by = self.action.by
        runner, reach = (self.runner, ManualExecutor()) if by else (None, None)
        self.executor = Ec2Executor(self.ec2, self.action, self.clock, runner, reach)

    def pass_time(self, span: timedelta = timedelta(seconds=20)) -> None:
        self.clock.time += span

    def prepare(self) -> None:
        """Prepares until the place of the mark is known, as before a take-out."""
        for _ in range(5):
            if self.executor.prepare([TARGET], BY):
                return
            self.pass_time(timedelta(seconds=1))
        raise AssertionError("no answer")

    def start(self, key: WorkKey = KEY) -> str:
        return self.executor.start({key: (TARGET, JOB)}, BY)[key]

    def look(self, ticket: str = "", key: WorkKey = KEY) -> WorkStatus:
        return self.executor.look({key: (TARGET, ticket)}, BY)[key]

    def rebooted(self) -> None:
        self.ec2.boot = "boot-2"
        self.pass_time()

    def started(self) -> None:
        self.ec2.change(state="running", launched=LAUNCHED + MINUTE)
        self.pass_time()


@pytest.fixture
def reboot() -> Shop:
    shop = Shop(REBOOT)
    shop.prepare()
    return shop


@pytest.fixture
def stop() -> Shop:
    return Shop(STOP)


def test_reboot_is_marked_asked_for_once_and_proved_by_the_boot_id(reboot: Shop) -> None:
    assert (reboot.start(), reboot.start(), reboot.start()) == ("sent", "sent", "sent")
    assert reboot.ec2.made == ["mark begun", "reboot"]
    assert reboot.ec2.machine
    assert reboot.ec2.machine.claim == Claim("r1/1-update", "boot-1", LAUNCHED)
    assert reboot.look("sent").state is WorkState.RUNNING
    reboot.pass_time()
    reboot.look("sent")
    assert reboot.look("sent") == WorkStatus(
        WorkState.RUNNING, out="waiting until it is up again with another boot id\n"
    )
    reboot.rebooted()
    reboot.ec2.checks = "initializing"
    reboot.look("sent")
    said = reboot.look("sent")
    assert (said.state, said.out) == (
        WorkState.RUNNING,
        "rebooted: boot boot-1 is now boot-2; status checks: initializing\n",
    )
    reboot.ec2.checks = ""
    said = reboot.look("sent")
    assert (said.state, said.exit) == (WorkState.ENDED, 0)
    assert said.out == "rebooted: boot boot-1 is now boot-2; status checks passed\n"
    assert reboot.start() == "sent"
    assert reboot.ec2.made == ["mark begun", "reboot"]


@pytest.mark.parametrize("ticket", ["", "marked"])
def test_another_process_never_asks_for_the_reboot_again(reboot: Shop, ticket: str) -> None:
    reboot.start()
    reboot.anew()
    reboot.prepare()
    assert reboot.start() == "marked"
    said = reboot.look(ticket)
    assert (said.state, said.why) == (
        WorkState.UNKNOWN,
        "the reboot may have been asked for; its boot id has not changed",
    )
    assert reboot.look("sent").state is WorkState.RUNNING
    reboot.rebooted()
    reboot.look(ticket)
    assert reboot.look(ticket).state is WorkState.ENDED
    assert reboot.ec2.made == ["mark begun", "reboot"]


def test_lost_answer_to_the_mark_leads_to_one_call(reboot: Shop) -> None:
    reboot.ec2.fails["mark begun"] = NoAnswerError("timed out")
    with pytest.raises(NoAnswerError):
        reboot.start()
    reboot.ec2.change(claim=Claim("r1/1-update", "boot-1", LAUNCHED))  # AWS wrote the mark although its answer was lost
    assert (reboot.start(), reboot.start()) == ("sent", "sent")
    assert reboot.ec2.made == ["mark begun", "reboot"]


def test_lost_answer_to_the_reboot_is_not_repeated(reboot: Shop) -> None:
    reboot.ec2.fails["reboot"] = NoAnswerError("timed out")
    assert (reboot.start(), reboot.start()) == ("marked", "marked")
    assert reboot.look("marked").state is WorkState.UNKNOWN
    assert reboot.ec2.made == ["mark begun", "reboot"]
    reboot.rebooted()
    reboot.look("marked")
    assert reboot.look("marked").state is WorkState.ENDED


@pytest.mark.parametrize("error", [RejectedError("AWS refused it"), UnreachableError("allow ec2:RebootInstances")])
def test_refused_reboot_can_never_begin(reboot: Shop, error: RejectedError | UnreachableError) -> None:
    reboot.ec2.fails["reboot"] = error
    assert reboot.start() == "marked"
    assert reboot.look("marked") == WorkStatus(WorkState.REFUSED, why=str(error))
    reboot.anew()
    reboot.prepare()
    assert reboot.start() == "marked"
    assert reboot.look("marked") == WorkStatus(WorkState.REFUSED, why="EC2 refused it")
    assert reboot.ec2.made == ["mark begun", "reboot", "mark refused"]


def test_forbidden_reboot_never_begins(reboot: Shop) -> None:
    reboot.executor.forbid({KEY: (TARGET, "")}, BY)
    reboot.executor.forbid({KEY: (TARGET, "")}, BY)
    assert reboot.start() == "marked"
    assert reboot.look() == WorkStatus(WorkState.REFUSED, why="it was forbidden")
    reboot.anew()
    reboot.prepare()
    assert reboot.start() == "marked"
    assert reboot.ec2.made == ["mark forbidden"]


def test_forbid_and_cancel_leave_a_reboot_alone(reboot: Shop) -> None:
    reboot.start()
    reboot.executor.forbid({KEY: (TARGET, "sent")}, BY)
    reboot.executor.cancel({KEY: (TARGET, "sent")}, BY)
    assert reboot.ec2.made == ["mark begun", "reboot"]
    reboot.ec2.machine = None
    reboot.executor.forbid({KEY: (TARGET, "sent")}, BY)
    assert reboot.look("sent") == WorkStatus(WorkState.UNKNOWN, why="EC2 does not list the instance")


def test_another_attempt_is_another_reboot(reboot: Shop) -> None:
    reboot.start()
    reboot.rebooted()
    reboot.look("sent")
    again = WorkKey(RolloutId("r1"), ID, 2, Intent.UPDATE)
    assert reboot.start(again) == "sent"
    assert reboot.ec2.made == ["mark begun", "reboot"] * 2
    assert reboot.look("sent", again).state is WorkState.RUNNING


def test_boot_id_from_before_the_mark_proves_nothing(reboot: Shop) -> None:
    """Somebody else rebooted the machine, and an answer from before that comes late."""
    reboot.ec2.boot = "boot-0"
    reboot.start()
    reboot.executor._boots._note(ID, "katakei-boot boot-0\n", "", reboot.clock.now() - MINUTE)  # type: ignore[union-attr]  # it has a reader
    assert reboot.look("sent").state is WorkState.RUNNING


def test_reboot_waits_for_a_fresh_boot_id(reboot: Shop) -> None:
    reboot.pass_time(MINUTE)
    assert reboot.start() == ""
    assert reboot.look() == WorkStatus(WorkState.NOT_STARTED, why="its boot id is not known yet")
    assert reboot.start() == "sent"


def test_machine_that_does_not_print_its_boot_id_is_not_taken_out() -> None:
    shop = Shop(REBOOT)
    shop.runner.answers = ProgramOutput("", "it runs another system")
    for _ in range(3):
        assert shop.executor.prepare([TARGET], BY) == {}
        shop.pass_time()
    shop.runner.rejects = "the agent is not there"
    assert shop.executor.prepare([TARGET], BY) == {}
    shop.pass_time()
    assert shop.executor.prepare([TARGET], BY) == {}
    assert shop.executor._boots
    assert shop.executor._boots.troubles == {ID: "the agent is not there"}


def test_nothing_is_marked_without_time_for_the_call(reboot: Shop) -> None:
    assert reboot.executor.start({KEY: (TARGET, JOB)}, timedelta(seconds=2)) == {KEY: ""}
    assert reboot.look() == WorkStatus(WorkState.NOT_STARTED, why="EC2 was not called yet")
    assert reboot.ec2.made == []


@pytest.mark.parametrize(("state", "work"), [("stopped", WorkState.UNKNOWN), ("terminated", WorkState.INTERRUPTED)])
def test_machine_that_somebody_else_stops_is_named(reboot: Shop, state: str, work: WorkState) -> None:
    reboot.start()
    reboot.ec2.change(state=state)
    said = reboot.look("sent")
    assert (said.state, said.why) == (work, f"the instance is {state}")


def test_stopped_machine_is_not_rebooted(reboot: Shop) -> None:
    reboot.ec2.change(state=STOPPED)
    assert reboot.start() == ""
    assert reboot.look() == WorkStatus(WorkState.NOT_STARTED, why="the instance is stopped")
    reboot.ec2.machine = None
    assert reboot.start() == ""


def test_stop_goes_on_with_starts_until_the_machine_answers(stop: Shop) -> None:
    assert stop.executor.prepare([TARGET], BY) == {ID: ""}
    assert (stop.start(), stop.look("sent").out) == ("sent", "waiting until it is stopped\n")
    stop.ec2.change(state="stopping")
    assert (stop.start(), stop.look("sent").out) == ("sent", "the instance is stopping\n")
    stop.ec2.change(state=STOPPED)
    said = stop.look("sent")
    assert (said.state, said.why) == (WorkState.HALFWAY, "the instance is stopped and has to be started")
    assert stop.start() == "sent"
    stop.ec2.change(state="pending")
    assert stop.look("sent").state is WorkState.RUNNING
    stop.started()
    assert stop.look("sent").out == "started; waiting until it answers by ssm\n"
    stop.pass_time()
    stop.look("sent")
    said = stop.look("sent")
    assert (said.state, said.exit, said.out) == (
        WorkState.ENDED,
        0,
        "stopped and started as t3.small; status checks passed\n",
    )
    assert stop.ec2.made == ["mark begun", "stop", "start"]


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_another_process_goes_on_with_a_stop(stop: Shop, state: str) -> None:
    stop.start()
    stop.ec2.change(state=state)
    stop.anew()
    assert stop.look().state is WorkState.HALFWAY
    assert stop.start() == "sent"
    assert stop.ec2.made == ["mark begun", "stop", "stop" if state == "running" else "start"]
    stop.ec2.change(state=STOPPED)
    stop.start()
    stop.started()
    stop.anew()
    for _ in range(3):
        stop.look()
        stop.pass_time()
    assert stop.look().state is WorkState.ENDED
    assert stop.start() == "marked" or "stop" not in stop.ec2.made[3:]


def test_stop_without_effect_is_repeated_after_a_minute(stop: Shop) -> None:
    stop.ec2.fails["stop"] = NoAnswerError("timed out")
    assert stop.start() == "marked"
    assert stop.look("marked") == WorkStatus(WorkState.HALFWAY, why="the instance still runs and has to be stopped")
    assert stop.start() == "sent"
    assert stop.look("sent").state is WorkState.RUNNING
    stop.pass_time(2 * MINUTE)
    assert stop.look("sent").state is WorkState.HALFWAY


def test_type_is_changed_while_it_is_stopped() -> None:
    shop = Shop(RESIZE)
    assert shop.executor.prepare([TARGET], BY) == {ID: ""}
    shop.start()
    shop.ec2.change(state=STOPPED)
    shop.ec2.fails["start"] = RejectedError("AWS has no capacity for m7g.large")
    assert shop.start() == "sent"
    said = shop.look("sent")
    assert (said.state, said.why) == (WorkState.HALFWAY, "AWS has no capacity for m7g.large")
    assert shop.start() == "sent"
    shop.started()
    assert shop.look("sent").out == "stopped and started as m7g.large; status checks passed\n"
    assert shop.ec2.made == ["mark begun", "stop", "type m7g.large", "start", "start"]


def test_machine_started_by_somebody_else_as_another_type_has_failed() -> None:
    shop = Shop(RESIZE)
    shop.start()
    shop.started()
    said = shop.look("sent")
    assert (said.state, said.exit) == (WorkState.ENDED, 1)
    assert said.why == "somebody else started the instance as t3.small, before it was m7g.large"


def test_ready_and_prove_change_nothing(reboot: Shop) -> None:
    assert reboot.executor.ready([TARGET], BY) == {}
    reboot.ec2.change(state=STOPPED)
    assert reboot.executor.ready([TARGET], BY) == {ID: "the instance is stopped"}
    reboot.ec2.machine = None
    assert reboot.executor.ready([TARGET], BY) == {ID: "EC2 does not list an instance of this id"}
    assert reboot.executor.prove(Command("ec2", instance=REBOOT), [TARGET], BY) == {}
    resize = Shop(RESIZE)
    assert resize.executor.ready([TARGET], BY) == {}
    assert resize.executor.prove(Command("ec2", instance=RESIZE), [TARGET], BY) == {}
    assert reboot.ec2.made + resize.ec2.made == [
        "try mark 1",
        "try reboot 1",
        "try mark 1",
        "try stop 1 m7g.large",
    ]


def test_survey_tells_the_types_in_question() -> None:
    shop = Shop(RESIZE)
    read = shop.executor.survey([TARGET])
    assert isinstance(shop.executor, InstanceReader)
    assert set(read.types) == {"t3.small", "m7g.large"}
    assert read.instances[ID].instance_type == "t3.small"


def test_rollout_that_names_no_mark_does_not_fit(reboot: Shop) -> None:
    reboot.executor.fits({KEY: (TARGET, JOB)})
    with pytest.raises(UsageError):
        reboot.executor.fits({WorkKey(RolloutId("a b"), ID, 1, Intent.UPDATE): (TARGET, JOB)})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b c",
        "r1/1-update boot-1 noon begun",
        "r1/1-update boot-1 2026-01-02T03:04:05+00:00 x",
        "r b;c 2026 begun",
    ],
)
def test_a_tag_of_somebody_else_is_no_mark(text: str) -> None:
    assert read_claim(text) is None


def test_mark_is_read_as_it_was_written() -> None:
    for state in ClaimState:
        claim = Claim("r1/1-update", "-", LAUNCHED, state)
        assert read_claim(str(claim)) == claim
        assert len(str(claim)) < 256
