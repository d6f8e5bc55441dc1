"""The recap of a rollout: how it ended, what became of each target, and commands that can be pasted."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import click
import pytest
from tests.unit.given import NOON, a_plan, brought, given, later, t

from katakei.cli import katakei
from katakei.domain import events as e
from katakei.domain.model import TargetId
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.spec import Command, Selection
from katakei.render.recap import Invocation, Step, headline, next_steps, recap

BEGUN = Invocation(("roll", "-f", "my shop.yml"), ("--profile", "prod", "--journal", "s3://b/k"))
PRINTED = "composer: your requirements could not be resolved"
FAILED = reason(ReasonCode.WORK_FAILED, exit=3, text="")


def plan_of(number: int, release: str = "v9", **changes: object) -> Plan:
    """A plan of servers with the names web-1, web-2 and so on, of one group."""
    plan = a_plan(number, **changes)  # type: ignore[arg-type]  # a test's own choice of values
    targets = tuple(replace(target, name=f"web-{n}") for n, target in enumerate(plan.targets, 1))
    group = replace(plan.groups[0], name="LaravelTargetGroup")
    return replace(plan, targets=targets, groups=(group,), release=release)


def step_of(kind: PlanKind) -> Plan:
    """The plan of a manual step for web-1."""
    plan = plan_of(1, kind=kind)
    return replace(plan, spec=replace(plan.spec, targets=Selection(only=("web-1",))))


def failed(
    plan: Plan, number: int = 0, out: str = "composer: your requirements could not be resolved\n"
) -> Sequence[e.Event]:
    """The work on one target failed, and the target is left out of service."""
    key = e.WorkKey(plan.rollout, t(plan, number), 1, Intent.UPDATE)
    return [
        *brought(plan, Phase.WORKING, number),
        e.WorkEnded(later(60), key, 3, out),
        e.PhaseChanged(later(60), t(plan, number), Phase.LEFT_OUT, "", None, Cause.FAILED, FAILED),
    ]


def skipped(plan: Plan, numbers: Iterable[int]) -> Sequence[e.Event]:
    return [e.PhaseChanged(later(61), t(plan, number), Phase.SKIPPED) for number in numbers]


def serving(plan: Plan, release: str) -> dict[TargetId, str]:
    return dict.fromkeys((target.id for target in plan.targets), release)


def text(rollout: Rollout, serves: Mapping[TargetId, str] | None = None, begun: Invocation = BEGUN) -> list[str]:
    return recap(rollout, serves or {}, begun, later(72)).splitlines()


def commands(rollout: Rollout, begun: Invocation = BEGUN) -> dict[str, str]:
    return {step.purpose: step.command for step in next_steps(rollout, begun)}


def test_recap_of_a_failed_rollout() -> None:
    plan = plan_of(2)
    rollout = given(plan, failed(plan), skipped(plan, [1]), [e.Finished(later(72))])
    assert text(rollout, serving(plan, "v8"), Invocation(("roll",))) == [
        "FAILED  v9 of shop on LaravelTargetGroup (rollout r-test, 1m 12s)",
        "  web-1  OUT OF SERVICE  the work ended with exit code 3; last lines:",
        f"         | {PRINTED}",
        "  web-2  not touched, serves v8",
        "Next:  see everything  katakei logs r-test web-1",
        "       try v9 again    katakei retry r-test web-1",
        "       roll a fix      katakei roll --release v10  (takes web-1 first)",
        "       put web-1 back  katakei register LaravelTargetGroup web-1",
    ]


def test_recap_commands_repeat_the_options_of_the_rollout() -> None:
    plan = plan_of(2)
    rollout = given(plan, failed(plan), skipped(plan, [1]), [e.Finished(later(72))])
    common = "--profile prod --journal s3://b/k"
    assert commands(rollout) == {
        "see everything": f"katakei logs r-test web-1 {common}",
        "try v9 again": f"katakei retry r-test web-1 {common}",
        "roll a fix": f"katakei roll -f 'my shop.yml' --release v10 {common}",
        "put web-1 back": f"katakei register LaravelTargetGroup web-1 {common}",
    }


def test_recap_of_a_rollout_that_is_done_is_short() -> None:
    plan = plan_of(2)
    rollout = given(plan, brought(plan, Phase.DONE), brought(plan, Phase.DONE, 1), [e.Finished(later(72))])
    assert text(rollout, serving(plan, "v9")) == [
        "DONE  v9 of shop on LaravelTargetGroup (rollout r-test, 1m 12s)",
        "  web-1  done, serves v9",
        "  web-2  done, serves v9",
    ]


def test_recap_counts_many_targets() -> None:
    plan = plan_of(1000)
    story = [event for number in range(1, 13) for event in brought(plan, Phase.DONE, number)]
    rollout = given(plan, failed(plan), story, skipped(plan, range(13, 1000)), [e.Finished(later(72))])
    serves = serving(plan, "v8") | {t(plan, number): "v9" for number in range(13)}
    lines = text(rollout, serves)
    assert lines[1].startswith("  web-1        OUT OF SERVICE")
    assert lines[3:5] == ["  987 targets  not touched, serves v8", "  12 targets   done, serves v9"]
    assert len(lines) == 9


def test_recap_shows_the_last_lines_of_long_output() -> None:
    plan = plan_of(1)
    out = "".join(f"line {number}\n\n" for number in range(100)) + "x" * 1000
    rollout = given(plan, failed(plan, out=out), [e.Finished(later(72))])
    shown = [line for line in text(rollout) if "| " in line]
    assert shown[0].endswith("| line 96")
    assert len(shown) == 5
    assert len(shown[-1]) < 200


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ([], "FAILED"),
        ([e.AbortAsked(later(62), "kim")], "FAILED"),
        ([e.RevertAsked(later(62), "kim")], "FAILED"),
    ],
)
def test_headline_of_a_failure_stays_failed(asked: Sequence[e.Event], word: str) -> None:
    plan = plan_of(1)
    assert headline(given(plan, failed(plan), asked, [e.Finished(later(72))]), later(72)).startswith(f"{word}  ")


def test_recap_of_an_aborted_rollout_begins_again() -> None:
    plan = plan_of(2)
    asked = [e.AbortAsked(NOON, "kim")]
    rollout = given(plan, asked, brought(plan, Phase.RETURNED), skipped(plan, [1]), [e.Finished(later(10))])
    lines = text(rollout, serving(plan, "v8"))
    assert lines[0].startswith("ABORTED  v9 of shop on LaravelTargetGroup")
    assert "  web-1  back in service, not touched, serves v8" in lines
    assert commands(rollout)["begin again"] == (
        "katakei roll -f 'my shop.yml' --release v9 --profile prod --journal s3://b/k"
    )


def reverted(plan: Plan) -> Rollout:
    back = [
        e.PhaseChanged(later(62), t(plan), Phase.DRAINING, "", Intent.REVERT),
        *(e.PhaseChanged(later(63), t(plan), phase) for phase in (Phase.OUT, Phase.WORKING, Phase.CHECKING)),
        *(e.PhaseChanged(later(64), t(plan), phase) for phase in (Phase.WARMING, Phase.SOAKING, Phase.DONE)),
    ]
    asked = [e.RevertAsked(later(61), "kim")]
    return given(plan, brought(plan, Phase.DONE), asked, skipped(plan, [1]), back, [e.Finished(later(72))])


def test_recap_of_a_reverted_rollout() -> None:
    plan = plan_of(2, revert=Command("ssm", "./back"))
    lines = text(reverted(plan), serving(plan, "v8"))
    assert lines[:4] == [
        "REVERTED  v9 of shop on LaravelTargetGroup (rollout r-test, 1m 12s)",
        "  reverted by kim: 1 of 1 updated target reverted",
        "  web-1  reverted, serves v8",
        "  web-2  not touched, serves v8",
    ]
    assert commands(reverted(plan))["roll a fix"].startswith("katakei roll -f 'my shop.yml' --release v10")


def test_recap_offers_the_revert_where_one_is_planned() -> None:
    plan = plan_of(2, revert=Command("ssm", "./back"))
    rollout = given(plan, failed(plan), skipped(plan, [1]), [e.Finished(later(72))])
    assert commands(rollout, Invocation())["take v9 back"] == "katakei revert r-test"


def test_recap_of_an_unfinished_rollout() -> None:
    plan = plan_of(2)
    rollout = given(plan, brought(plan, Phase.WORKING))
    lines = text(rollout)
    assert lines[0] == "NOT FINISHED  v9 of shop on LaravelTargetGroup (rollout r-test, 1m 12s so far)"
    assert lines[1:3] == ["  web-1  OUT OF SERVICE  working; its command goes on running", "  web-2  not touched"]
    assert commands(rollout, Invocation(("roll", "web"))) == {
        "carry on": "katakei roll web --release v9",
        "bring every target back": "katakei abort r-test",
        "see everything": "katakei show r-test",
    }


def test_recap_of_a_paused_rollout_resumes() -> None:
    plan = plan_of(2)
    rollout = given(plan, [e.PauseAsked(later(1), "kim")])
    assert commands(rollout, Invocation())["carry on"] == "katakei resume r-test"


def test_recap_of_manual_work_says_how_to_approve() -> None:
    plan = plan_of(2, work=Command("manual", ""))
    rollout = given(plan, brought(plan, Phase.WORKING))
    assert commands(rollout, Invocation())["say that the work is done"] == "katakei approve r-test web-1"


def test_recap_of_a_manual_step() -> None:
    plan = step_of(PlanKind.DEREGISTER)
    out = e.PhaseChanged(later(5), t(plan), Phase.LEFT_OUT, "", None, Cause.BY_HAND)
    rollout = given(plan, brought(plan, Phase.OUT), [out, e.Finished(later(72))])
    assert text(rollout, begun=Invocation()) == [
        "DONE  deregister web-1 from LaravelTargetGroup (rollout r-test, 1m 12s)",
        "  web-1  out of service, as requested",
        "Next:  put web-1 back  katakei register LaravelTargetGroup web-1",
    ]


def test_recap_names_a_target_by_its_id_where_the_name_is_not_plain() -> None:
    plan = plan_of(2)
    named = [replace(plan.targets[0], name="web 1; rm -rf ~"), replace(plan.targets[1], name="--all")]
    rollout = given(replace(plan, targets=tuple(named)), failed(plan), [e.Finished(later(72))])
    assert commands(rollout, Invocation())["try v9 again"] == f"katakei retry r-test {t(plan)}"


def test_recap_leaves_out_the_time_between_the_end_and_a_retry() -> None:
    plan = plan_of(1)
    again = [e.RetryAsked(later(7200), "kim", (t(plan),)), *brought(plan, Phase.DONE, at=later(7230))[1:]]
    story = [*failed(plan), e.Finished(later(60)), *again, e.Finished(later(7260))]
    assert "(rollout r-test, 2m)" in headline(given(plan, story), later(9000))


@pytest.mark.parametrize(
    ("release", "fixed"),
    [("v9", "v10"), ("1.2.3", "1.2.4"), ("release-41", "release-42"), ("e83c516", "NEW_RELEASE")],
)
def test_recap_shows_an_example_of_the_next_release(release: str, fixed: str) -> None:
    plan = plan_of(1, release)
    rollout = given(plan, failed(plan), [e.Finished(later(72))])
    assert commands(rollout, Invocation(("roll",)))["roll a fix"] == f"katakei roll --release {fixed}"


def situations() -> Iterable[Rollout]:
    """A rollout in every phase, unfinished, finished, paused, aborted and reverted; and manual steps."""
    for plan in (plan_of(2), plan_of(2, ""), plan_of(2, work=Command("manual", ""), revert=Command("ssm", "./back"))):
        for phase in Phase:
            story = brought(plan, phase)
            yield given(plan, story)
            yield given(plan, story, [e.PauseAsked(NOON, "kim")])
            yield given(plan, story, [e.Finished(later(72))])
            yield given(plan, story, [e.AbortAsked(NOON, "kim"), e.Finished(later(72))])
            yield given(plan, story, [e.RevertAsked(NOON, "kim"), e.Finished(later(72))])
        yield given(plan, failed(plan), [e.Finished(later(72))])
    for kind in (PlanKind.DEREGISTER, PlanKind.REGISTER):
        plan = step_of(kind)
        yield given(plan, brought(plan, Phase.LEFT_OUT))
        yield given(plan, brought(plan, Phase.LEFT_OUT), [e.Finished(later(72))])


def test_every_command_of_a_recap_can_be_pasted() -> None:
    """The command line reads each of them: the command exists and takes these words."""
    seen: set[str] = set()
    for rollout in situations():
        for step in next_steps(rollout, BEGUN):
            program, name, *words = shlex.split(step.command)
            command = katakei.get_command(click.Context(katakei), name)
            assert (program, command is not None) == ("katakei", True), step
            assert command is not None
            context = command.make_context(name, words)
            assert {"profile": "prod", "journal": "s3://b/k"}.items() <= context.params.items()
            seen.add(name)
    assert seen == {"roll", "show", "logs", "retry", "register", "deregister", "resume", "abort", "approve", "revert"}


def test_step_quotes_what_a_shell_would_read() -> None:
    assert Step("roll", ("roll", "--run", "a && b")).command == "katakei roll --run 'a && b'"
