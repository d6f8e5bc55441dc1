"""Text from outside in every view: no character acts, no line is added, and no line is a command to a CI system."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from tests.unit.domain.test_outside_text import HOSTILE, commands
from tests.unit.given import NOON, a_group, a_plan, brought, later, t
from tests.unit.surveyed import WEB, a_survey

from katakei.domain import events as e
from katakei.domain.errors import KatakeiError
from katakei.domain.leases import Owner
from katakei.domain.outside_text import hidden
from katakei.domain.overview import CarriedRelease, Driver, Knowledge, ListedRollout
from katakei.domain.phases import Cause, Phase
from katakei.domain.plan import Plan
from katakei.domain.ports import ListedGroup, Liveness, RolloutHeader
from katakei.domain.reasons import Reason
from katakei.domain.replay import replay
from katakei.planning.forecast import forecast
from katakei.render import events as event_text
from katakei.render import groups, report
from katakei.render import plan as plan_text
from katakei.render.answers import accepted, driver_text
from katakei.render.errors import error_text
from katakei.render.live_table import LiveView, live
from katakei.render.reasons import sentence
from katakei.render.recap import Invocation, recap
from katakei.render.rollout_list import list_text
from katakei.render.text import label

SMALL = settings(max_examples=25, deadline=timedelta(seconds=5))


def a_hostile_plan(word: str) -> Plan:
    plan = a_plan(3)
    targets = tuple(replace(target, name=word) for target in plan.targets)
    return replace(plan, targets=targets, who=word, said=(word,))


def a_hostile_story(word: str) -> list[e.Event]:
    """A rollout in which every word that comes from outside is this one, as older versions recorded it."""
    plan = a_hostile_plan(word)
    first, key = t(plan), e.WorkKey(plan.rollout, t(plan), 1, replay([e.Planned(NOON, plan)]).key(t(plan)).intent)
    raw = Reason("recorded_text", (("text", word),))
    return [
        e.Planned(NOON, plan),
        *brought(plan, Phase.WORKING),
        e.ObservedBusy(later(1), first, word),
        e.WorkEnded(later(2), key, 3, word),
        e.PhaseChanged(later(3), first, Phase.LEFT_OUT, "", None, Cause.FAILED, raw),
        *brought(plan, Phase.DONE, 1, later(4)),
        e.BecameUnhealthy(later(5), t(plan, 1), word),
        e.FailedAfterDone(later(6), t(plan, 1), "", raw),
        e.RegistrationRejected(later(6), first, word),
        e.AbortAsked(later(7), word),
        e.PauseAsked(later(7), word),
        e.RevertAsked(later(7), word),
        e.RetryAsked(later(7), word, (first,)),
        e.Interrupted(later(7), word),
        e.Approved(later(7), word, None),
        e.TargetAdded(later(7), replace(plan.targets[2], id=t(a_plan(4), 3)), False, word),
    ]


def views(word: str) -> Mapping[str, str]:
    """What every view shows of this word."""
    story = a_hostile_story(word)
    plan, rollout = a_hostile_plan(word), replay(story)
    member = replace(a_survey().members[WEB.arn][0], name=word)
    seen = replace(member.seen, reason=word, description=word)
    listed = ListedGroup(WEB.arn, WEB.name, 80, "HTTP", WEB.target_type, (replace(member, seen=seen),))
    held = [(plan.targets[0].registrations[0], rollout)]
    header = RolloutHeader(plan.rollout, "shop", (a_group().arn,), NOON, None, word)
    driver = Driver(Owner(word, word, 1, 1, word), Liveness.GONE)
    carried = CarriedRelease(word, plan.rollout, Knowledge.CONFIRMED)
    raw = Reason("recorded_text", (("text", word),))
    live_view = LiveView(rollout, raw, {}, forecast(plan), later(9))
    return {
        "label": label(plan.targets[0]),
        "history": event_text.history(rollout, story, str(Owner(word, word, 1, 1, word))),
        "summary": event_text.summary(rollout),
        "recap": recap(rollout, {}, Invocation(), later(9)),
        "list": list_text([ListedRollout(header, None, None), ListedRollout(header, rollout, driver)], 2, later(9)),
        "status": groups.status_text(listed, held, {listed.members[0].machine: carried}),
        "driver": driver_text(rollout, driver),
        "answer": accepted("approve", rollout, driver.owner, [plan.targets[0].id]),
        "plan": plan_text.plan_text(plan, forecast(plan)),
        "error": error_text(KatakeiError(word.replace("\n", " "))),
        "unknown reason": sentence(Reason("of_a_newer_version", (("text", word),))),
        "live": "\n".join(line.plain for line in live(live_view, 10_000, 100)),
        "lines": "\n".join(map(event_text.event_json, story[1:])),
    }


@given(HOSTILE)
@SMALL
def test_no_view_shows_a_character_that_acts(word: str) -> None:
    for name, text in views(word).items():
        assert not hidden(text), name
        assert commands(text) == [], name


def unwrapped(text: str) -> list[str]:
    """The lines without those that only continue the one before."""
    return [line for line in text.splitlines() if not line.startswith(groups.NOTE_INDENT)]


@given(HOSTILE)
@SMALL
def test_no_view_gets_more_lines_by_a_word(word: str) -> None:
    benign = views("x")
    for name, text in views(word).items():
        assert len(unwrapped(text)) <= len(unwrapped(benign[name])), name


@pytest.mark.parametrize("word", ["\u202e\u2066web", "\x9b2J\ud800", "<script>"])
def test_report_writes_out_what_acts(word: str) -> None:
    story = a_hostile_story(word)
    page = report.page(replay(story), story, (), later(9))
    assert not hidden(page)
    assert "<script>" not in page
