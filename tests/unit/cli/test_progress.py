"""Driving a rollout from the command line: awake while a target is out, the exit code, the lease at the end."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.app.fakes import SPEC, Stage

from katakei.adapters.system.awake import SleepInhibitor
from katakei.app.rollouts import Proposal, RolloutRequest, Rollouts
from katakei.cli.progress import Screen, drive
from katakei.domain.errors import ExitCode
from katakei.domain.events import AbortAsked, PauseAsked, WorkEnded, WorkKey
from katakei.domain.phases import Intent
from katakei.domain.plan import PlanKind
from katakei.domain.reasons import Reason
from katakei.render.text import label
from katakei.runtime.lease_keeper import acquire_lease
from katakei.runtime.runner import Turn
from katakei.runtime.session import RolloutSession

FAKE = """\
#!/bin/sh
echo "$@" >> "$CAFFEINATED"
exec sleep 60
"""


class Inhibitor(SleepInhibitor):
    """The real one, which says when it is started and stopped, and what is out just then."""

    def __init__(self, stage: Stage, platform: str, env: dict[str, str]) -> None:
        super().__init__(platform, env)
        self.stage, self.began, self.ended = stage, 0, 0

    def start(self) -> bool:
        begun = super().start()
        self.began += begun
        return begun

    def stop(self) -> None:
        self.ended += self.active
        super().stop()


def session(stage: Stage) -> RolloutSession:
    rollouts = Rollouts(stage.drivers)
    opened = rollouts.open(RolloutRequest(SPEC, "v2"))
    assert isinstance(opened, Proposal)
    started = rollouts.start(opened)
    assert isinstance(started, RolloutSession)
    return started


@pytest.fixture
def stage() -> Stage:
    return Stage()


def caffeinate(folder: Path) -> dict[str, str]:
    """An environment whose `caffeinate` writes down its arguments."""
    program = folder / "caffeinate"
    program.write_text(FAKE)
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "CAFFEINATED": str(folder / "caffeinated")}


def test_drive_keeps_a_mac_awake_and_says_so_once(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inhibitor = Inhibitor(stage, "darwin", caffeinate(tmp_path))
    assert drive(session(stage), Screen(as_json=False), inhibitor) is ExitCode.DONE
    assert capsys.readouterr().err.count("this Mac stays awake while a target is out") == 1
    # Without a pause: the second target leaves in the turn in which the first one is done.
    assert (inhibitor.began, inhibitor.ended) == (1, 1)
    assert not inhibitor.active


def test_drive_lets_the_machine_sleep_after_an_error(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inhibitor = Inhibitor(stage, "darwin", caffeinate(tmp_path))
    driven = session(stage)
    step = driven.step

    def interrupted() -> object:
        if inhibitor.active:
            raise KeyboardInterrupt
        return step()

    monkeypatch.setattr(driven, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        drive(driven, Screen(as_json=False), inhibitor)
    assert (inhibitor.began, inhibitor.active) == (1, False)


def test_drive_elsewhere_starts_nothing(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    inhibitor = Inhibitor(stage, "linux", {})
    assert drive(session(stage), Screen(as_json=False), inhibitor) is ExitCode.DONE
    assert (inhibitor.began, "awake" in capsys.readouterr().err) == (0, False)


def test_drive_gives_the_lease_back(stage: Stage) -> None:
    drive(session(stage), Screen(as_json=False), SleepInhibitor("linux"))
    assert stage.store.holders == {}


def test_drive_ends_with_a_recap(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    driven = session(stage)
    drive(driven, Screen(as_json=False), SleepInhibitor("linux"), journal=stage.drivers.journal)
    recap = capsys.readouterr().out.splitlines()[-3:]
    assert recap[0].startswith(f"DONE  v2 of shop on web (rollout {driven.plan.rollout}, ")
    assert all(line.endswith("  done, serves v2") for line in recap[1:])


def test_drive_folds_output_in_a_ci_job(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    screen = Screen(as_json=False)
    driven = session(stage)
    target = driven.plan.targets[0]
    key = WorkKey(driven.plan.rollout, target.id, 1, Intent.UPDATE)
    ended = WorkEnded(stage.drivers.clock.now(), key, 3, "::error::not ours\n")
    screen.turn(Turn(driven.rollout, (ended,), Reason("finished"), (), ended.at, ended.at))
    driven.close()
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:4] == [f"::group::output of {label(target)}, exit code 3", r"\x3a:error::not ours", "::endgroup::"]


RESTORE = "To restore every registration by hand"


def test_restore_lines_come_first_where_targets_leave_service(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    opened = Rollouts(stage.drivers).open(RolloutRequest(SPEC, "v2"))
    assert isinstance(opened, Proposal)
    Screen(as_json=False).show_proposal(opened)
    assert capsys.readouterr().out.startswith(RESTORE)
    Screen(as_json=False).show_proposal(replace(opened, plan=replace(opened.plan, kind=PlanKind.REGISTER)))
    assert RESTORE not in capsys.readouterr().out


@pytest.mark.parametrize(("word", "shown"), [(AbortAsked, False), (PauseAsked, True)])
def test_restore_lines_of_a_rollout_that_is_carried_on(
    stage: Stage, capsys: pytest.CaptureFixture[str], word: type[AbortAsked | PauseAsked], *, shown: bool
) -> None:
    first = session(stage)
    first.step()
    stage.drivers.journal.tell(first.plan.rollout, word(stage.clock.now(), "kim"))
    first.close()
    groups = frozenset(group.arn for group in first.plan.groups)
    lease = acquire_lease(stage.drivers, groups, first.plan.rollout)
    Screen(as_json=False).begin(RolloutSession(stage.drivers, lease, first.plan, carried_on=True))
    assert (RESTORE in capsys.readouterr().out) is shown
