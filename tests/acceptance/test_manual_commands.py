"""Pause, abort and revert by a person: nothing is dropped and the floor holds."""

import sys
from pathlib import Path

import pytest
from tests.soak.script import Script, Step, StepKind, Work
from tests.soak.script_run import ScriptResult, run_script

pytestmark = pytest.mark.acceptance


def kept(script: Script, folder: Path) -> ScriptResult:
    result = run_script(script, folder)
    sys.stdout.write(f"\n{result.text()}{result.figures.requests} requests, {result.figures.failed} failed\n")
    assert result.faults == []
    return result


def test_pause_of_a_minute_during_work_drops_nothing(tmp_path: Path) -> None:
    steps = (Step(0, StepKind.PAUSE, phase="working"), Step(80, StepKind.RESUME))
    result = kept(Script("pause", settle=2, work=Work.SLOW, rate=100, steps=steps), tmp_path)
    assert result.seconds > 80


@pytest.mark.parametrize("phase", ["draining", "working", "checking", "warming", "soaking"])
def test_abort_in_each_phase_drops_nothing(tmp_path: Path, phase: str) -> None:
    work = {"working": Work.SLOW, "checking": Work.LATE}.get(phase, Work.SUCCEEDS)
    steps = (Step(0, StepKind.ABORT, phase=phase),)
    result = kept(Script(f"abort while {phase}", settle=2, delay=6, soak=6, work=work, rate=100, steps=steps), tmp_path)
    assert result.code == 1


def test_revert_after_success_drops_nothing(tmp_path: Path) -> None:
    script = Script("revert", settle=2, delay=6, targets=4, window=2, floor=2, rate=100, then="revert")
    result = kept(script, tmp_path)
    assert set(result.figures.releases) == {"v1", "v2"}
