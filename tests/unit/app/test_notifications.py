"""Notifications: which turns are worth a message, once each, and a queue that never holds a turn up."""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from tests.unit.app.fakes import SPEC, Stage
from tests.unit.given import seconds

from katakei.app import notifications
from katakei.app.notifications import MAX_WAITING, Notifications, check_notifier, happenings, notifying
from katakei.app.rollouts import Proposal, RolloutRequest, Rollouts
from katakei.domain import events as e
from katakei.domain.errors import NoAnswerError, RefusedError, RejectedError
from katakei.domain.notifications import Language, Message, NotifyRule, Occasion, SecretPlace
from katakei.domain.phases import Phase
from katakei.domain.spec import Command
from katakei.render.notifications import message
from katakei.runtime.runner import Turn
from katakei.runtime.session import RolloutSession

ALL = NotifyRule(SecretPlace(variable="CHAT_URL"))
SOON = timedelta(seconds=30)


@dataclass
class Chat:
    """A notifier that keeps what it gets.

    Attributes:
        faults: What the next sends raise; None sends.
        opened: Sends wait for it.
    """

    faults: list[Exception | None] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    tries: int = 0
    opened: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.opened.set()

    def lacks(self, place: SecretPlace) -> str | None:
        return f"{place} is not set" if place.variable == "MISSING" else None

    def send(self, place: SecretPlace, message: Message, within: timedelta) -> None:
        del place, within
        self.tries += 1
        assert self.opened.wait(30)
        fault = self.faults.pop(0) if self.faults else None
        if fault:
            raise fault
        self.sent.append(message)


def _interrupted(sending: Notifications, turn: Turn) -> None:
    sending.turn(turn.rollout.plan.rollout, turn)
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "RETRY_AFTER", seconds(0.01))


@pytest.fixture
def stage() -> Stage:
    return Stage()


def session_of(stage: Stage, request: RolloutRequest) -> RolloutSession:
    rollouts = Rollouts(stage.drivers)
    opened = rollouts.open(request)
    if isinstance(opened, Proposal):
        opened = rollouts.start(opened)
    assert isinstance(opened, RolloutSession)
    return opened


def turns(stage: Stage, request: RolloutRequest | None = None) -> Iterator[Turn]:
    with session_of(stage, request or RolloutRequest(SPEC, "v2", who="kim")) as session:
        yield from session.turns()


def occasions(some: Sequence[Turn]) -> list[Occasion]:
    return [happening.occasion for turn in some for happening in happenings(turn)]


def told(chat: Chat, some: Sequence[Turn], rules: Sequence[NotifyRule] = (ALL,)) -> Sequence[str]:
    with notifying(chat, rules) as sending:
        for turn in some:
            sending.turn(turn.rollout.plan.rollout, turn)
    return sending.failed


def test_whole_rollout_is_told_once_per_event(stage: Stage) -> None:
    all_turns = list(turns(stage))
    assert len(all_turns) > 10
    assert occasions(all_turns) == [Occasion.STARTED, Occasion.DONE]


def test_another_process_tells_only_what_it_wrote(stage: Stage) -> None:
    first = []
    with session_of(stage, RolloutRequest(SPEC, "v2")) as session:
        for turn in session.turns():
            first.append(turn)
            if len(first) == 5:
                break
    rest = list(turns(stage, RolloutRequest(SPEC, "v2")))
    assert occasions(first) == [Occasion.STARTED]
    assert occasions(rest) == [Occasion.DONE]


def test_manual_work_waits_for_approval(stage: Stage) -> None:
    manual = RolloutRequest(replace(SPEC, work=Command("manual")))
    for turn in turns(stage, manual):
        found = [each for each in happenings(turn) if each.occasion is Occasion.WAITING_FOR_APPROVAL]
        if found:
            assert len(found[0].waiting) == 1
            return
    pytest.fail("nothing waited for approval")


def test_failed_work_is_told_with_target_and_reason(stage: Stage) -> None:
    stage.aws.adversary = replace(stage.aws.adversary, bad_work=1.0)
    last = list(turns(stage))[-1]
    assert occasions([last]) == [Occasion.FAILED]
    text = message(Occasion.FAILED, last.rollout, Language.ENGLISH)
    assert text.title == "r-new of shop has failed"
    assert text.body.splitlines()[1].startswith("Done: 0 of 2 targets in ")
    assert text.body.splitlines()[2].startswith("Left out of service: ")
    assert text.body.splitlines()[3].startswith("Reason: ")
    japanese = message(Occasion.FAILED, last.rollout, Language.JAPANESE)
    assert japanese.title == "shop の r-new は失敗しました"


def test_aborted_rollout_says_so(stage: Stage) -> None:
    rollout = None
    for turn in turns(stage):
        rollout = turn.rollout
        if turn.rollout.by_phase[Phase.DRAINING] and not turn.rollout.aborting:
            stage.drivers.journal.tell(rollout.plan.rollout, e.AbortAsked(turn.now, "kim"))
    assert rollout
    assert message(Occasion.FAILED, rollout, Language.ENGLISH).title == "r-new of shop was aborted"


def test_messages_are_sent_by_rule_and_language(stage: Stage) -> None:
    chat = Chat()
    rules = [
        NotifyRule(SecretPlace(variable="A"), frozenset([Occasion.DONE])),
        NotifyRule(SecretPlace(variable="B"), frozenset([Occasion.STARTED]), Language.JAPANESE),
    ]
    assert told(chat, list(turns(stage)), rules) == ()
    assert [each.title for each in chat.sent] == ["shop の r-new を開始しました", "r-new of shop is done"]
    assert "開始者: kim" in chat.sent[0].body
    assert chat.sent[1].body.startswith("Release: v2\nDone: 2 of 2 targets in ")


def test_failure_is_tried_twice_and_logged_once(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "katakei")
    chat = Chat(faults=[NoAnswerError("later"), NoAnswerError("no answer within 10 s"), NoAnswerError("later"), None])
    failed = told(chat, list(turns(stage)))
    assert chat.tries == 4
    assert [each.title for each in chat.sent] == ["r-new of shop is done"]
    assert failed == ("started to CHAT_URL: no answer within 10 s",)
    lines = [record for record in caplog.records if record.getMessage() == "notification failed"]
    assert [getattr(record, "facts", {})["rollout"] for record in lines] == ["r-new"]
    assert "Started by" not in caplog.text


def test_address_that_never_takes_it_is_tried_once(stage: Stage) -> None:
    chat = Chat(faults=[RejectedError("the environment variable CHAT_URL is not set")] * 2)
    assert len(told(chat, list(turns(stage)))) == 2
    assert chat.tries == 2


def test_slow_address_holds_no_turn_up(stage: Stage) -> None:
    chat = Chat()
    chat.opened.clear()
    sending = Notifications(chat, lambda _service: (ALL,))
    turn = next(turn for turn in turns(stage) if occasions([turn]))
    for _ in range(MAX_WAITING + 10):
        sending.turn(turn.rollout.plan.rollout, turn)
    assert sending.waiting == MAX_WAITING
    assert len(sending.failed) >= 8
    assert set(sending.failed) == {"started to CHAT_URL: 200 messages wait already"}
    sending.close(timedelta())  # gives up at once
    chat.opened.set()


def test_end_waits_for_the_last_message(stage: Stage) -> None:
    chat = Chat()
    sending = Notifications(chat, lambda _service: (ALL,), link=lambda rollout: f"https://katakei.example/r/{rollout}")
    for turn in turns(stage):
        sending.turn(turn.rollout.plan.rollout, turn)
    sending.close(SOON)
    assert len(chat.sent) == 2
    assert chat.sent[1].body.endswith("\nhttps://katakei.example/r/r-new")


def test_interrupted_command_waits_for_no_message(stage: Stage) -> None:
    chat = Chat()
    chat.opened.clear()
    turn = next(turn for turn in turns(stage) if occasions([turn]))
    with pytest.raises(KeyboardInterrupt), notifying(chat, [ALL]) as sending:
        _interrupted(sending, turn)
    chat.opened.set()


def test_missing_secret_is_refused_before_the_start() -> None:
    check_notifier(Chat(), [ALL])
    with pytest.raises(RefusedError, match="MISSING is not set"):
        check_notifier(Chat(), [ALL, NotifyRule(SecretPlace(variable="MISSING"))])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<!channel>", "(!channel)"),
        ("[safe](http://bad.example)", "(safe)(http://bad.example)"),
        ("\x1b[31mred\x00", "red\\x00"),
        ("a\nb", "a b"),
        ("`x` {{y}}", "'x' ((y))"),
        ("x" * 400, "x" * 300 + " …"),
    ],
)
def test_text_from_outside_is_harmless(stage: Stage, name: str, shown: str) -> None:
    rollout = next(turns(stage)).rollout
    text = message(Occasion.STARTED, replace(rollout, plan=replace(rollout.plan, who=name)), Language.ENGLISH)
    assert text.body.splitlines()[-1] == f"Started by: {shown}"


def test_nobody_is_called_by_a_name(stage: Stage) -> None:
    rollout = next(turns(stage)).rollout
    text = message(Occasion.STARTED, replace(rollout, plan=replace(rollout.plan, release="app@here")), Language.ENGLISH)
    assert "@here" not in text.body
    assert text.body.replace("\u2060", "").startswith("Release: app@here")


def test_many_targets_are_counted(stage: Stage) -> None:
    rollout = next(turns(stage)).rollout
    text = message(
        Occasion.WAITING_FOR_APPROVAL, rollout, Language.ENGLISH, waiting=[f"web{number}" for number in range(9)]
    )
    assert "Waiting: web0, web1, web2, web3, web4, and 4 more" in text.body
