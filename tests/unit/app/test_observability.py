"""What watches the turns of a process: the messages of rollouts and the links in them."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.app.fakes import SPEC, Stage
from tests.unit.app.test_notifications import ALL, Chat, turns

from katakei.app.observability import observing
from katakei.app.rollouts import RolloutRequest


@pytest.mark.parametrize(
    ("base_url", "link"),
    [("", ""), ("https://deploy.example.com", "https://deploy.example.com/rollouts/r-new")],
)
def test_messages_link_to_the_page_of_the_rollout(base_url: str, link: str) -> None:
    """A server knows its address; a worker gets that of the console."""
    stage, chat = Stage(), Chat()
    process: Any = SimpleNamespace(
        journal=stage.drivers.journal,
        clock=stage.clock,
        notifier=chat,
        watch_calls=lambda _observer: None,
        open_traces=lambda _version: None,
    )
    fleet: Any = SimpleNamespace(notify_rules=lambda _service: [ALL], policy_of=lambda _name: None, services=list)
    with observing(process, fleet, base_url) as watched:
        for turn in turns(stage, RolloutRequest(SPEC, "v2")):
            watched.turn(turn.rollout.plan.rollout, turn)
    assert len(chat.sent) == 2
    assert all(link in str(message) and ("/rollouts/" in str(message)) is bool(link) for message in chat.sent)
