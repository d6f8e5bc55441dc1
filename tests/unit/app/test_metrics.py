"""The figures for Prometheus: what they count, and that their number is bounded."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.unit.app.fakes import SPEC, Stage
from tests.unit.app.fleet_fakes import Source
from tests.unit.given import NOON, seconds

from katakei.app.fleet import Fleet
from katakei.app.metrics import SILENT_AFTER, Metrics
from katakei.app.rollouts import Proposal, RolloutRequest, Rollouts
from katakei.domain import events as e
from katakei.domain.model import TargetId
from katakei.domain.phases import Phase
from katakei.domain.ports.telemetry import AwsCall, CallOutcome
from katakei.runtime.runner import Turn

SHOP = "service: shop\nbalancer: {alb: {target_groups: [web]}}\nwork: {ssm: {run: ./deploy}}\n"


class Figures:
    """The figures of a server with one service, over the turns of a simulated rollout."""

    def __init__(self, folder: Path) -> None:
        (folder / "shop.yml").write_text(SHOP)
        self.stage, self.source = Stage(), Source()
        self.metrics = Metrics(Fleet(self.source, folder), self.stage.drivers.journal, self.source.clock)

    def turns(self, service: str = "shop") -> Iterator[Turn]:
        rollouts = Rollouts(self.stage.drivers)
        opened = rollouts.open(RolloutRequest(replace(SPEC, service=service), "v2"))
        assert isinstance(opened, Proposal)
        session = rollouts.start(opened)
        assert not isinstance(session, Proposal)
        with session:
            for turn in session.turns():
                self.metrics.turn(turn.rollout.plan.rollout, turn)
                yield turn

    def read(self) -> dict[tuple[str, ...], float]:
        families = text_string_to_metric_families(self.metrics.render().decode())
        samples = [sample for family in families for sample in family.samples]
        return {(each.name, *(value for _, value in sorted(each.labels.items()))): each.value for each in samples}


@pytest.fixture
def figures(tmp_path: Path) -> Figures:
    return Figures(tmp_path)


def test_running_rollout_and_its_targets_are_shown(figures: Figures) -> None:
    for turn in figures.turns():
        if turn.rollout.out_of_service:
            break
    read = figures.read()
    assert read["katakei_rollouts", "shop", "running"] == 1
    assert read["katakei_targets_out", "shop"] == 1
    assert read["katakei_rollouts_unfinished", "shop"] == 1


def test_finished_rollout_is_counted_with_its_phases(figures: Figures) -> None:
    turns = list(figures.turns())
    read = figures.read()
    assert read["katakei_rollouts_finished_total", "done", "shop"] == 1
    assert ("katakei_rollouts", "shop", "running") not in read
    assert read["katakei_turn_seconds_count", "shop"] == len(turns)
    for phase in ("draining", "out", "working", "checking", "warming", "soaking"):
        assert read.get(("katakei_phase_seconds_count", phase, "shop")) == 2, phase
    since, ended = _moments(turns, Phase.SOAKING), _moments(turns, Phase.DONE)
    soaked = sum((ended[target] - since[target]).total_seconds() for target in since)
    assert read["katakei_phase_seconds_sum", "soaking", "shop"] == pytest.approx(soaked)


def _moments(turns: Sequence[Turn], phase: Phase) -> dict[TargetId, datetime]:
    changed = [event for turn in turns for event in turn.written if isinstance(event, e.PhaseChanged)]
    return {event.target: event.at for event in changed if event.to is phase}


def test_states_of_a_rollout_have_their_words(figures: Figures) -> None:
    for number, turn in enumerate(figures.turns()):
        if number == 1:
            figures.stage.drivers.journal.tell(turn.rollout.plan.rollout, e.PauseAsked(turn.now, "kim"))
        if number == 3:
            assert figures.read()["katakei_rollouts", "shop", "paused"] == 1
            figures.stage.drivers.journal.tell(turn.rollout.plan.rollout, e.AbortAsked(turn.now, "kim"))
        if number == 4:
            break
    assert ("katakei_rollouts", "shop", "aborting") in figures.read() or (
        "katakei_rollouts_finished_total",
        "aborted",
        "shop",
    ) in figures.read()


def test_rollout_that_left_this_process_is_no_longer_shown(figures: Figures) -> None:
    next(figures.turns())
    figures.source.clock.time += SILENT_AFTER + seconds(1)
    assert ("katakei_rollouts", "shop", "running") not in figures.read()


def test_names_of_unknown_services_make_no_series(figures: Figures) -> None:
    list(figures.turns("somebody-elses"))
    read = figures.read()
    assert read["katakei_rollouts_finished_total", "done", "other"] == 1
    assert not [name for name in read if "somebody-elses" in name]


def test_series_hold_no_ids(figures: Figures) -> None:
    list(figures.turns())
    text = figures.metrics.render().decode()
    assert "r-new" not in text
    assert "i-0" not in text
    assert "_created" not in text


def test_calls_to_aws_are_counted_by_outcome(figures: Figures) -> None:
    for outcome in (CallOutcome.OK, CallOutcome.OK, CallOutcome.THROTTLED):
        figures.metrics.call(AwsCall("elbv2", "DescribeTargetHealth", outcome, NOON, timedelta(seconds=0.2)))
    read = figures.read()
    assert read["katakei_aws_calls_total", "DescribeTargetHealth", "elbv2", "ok"] == 2
    assert read["katakei_aws_calls_total", "DescribeTargetHealth", "elbv2", "throttled"] == 1
    assert read["katakei_aws_call_seconds_sum", "elbv2"] == pytest.approx(0.6)


def test_added_gauges_and_faulty_files_are_shown(figures: Figures, tmp_path: Path) -> None:
    lengths: Sequence[int] = [3]
    figures.metrics.add_gauge("katakei_queue", "Jobs that wait.", lambda: float(len(lengths)))
    (tmp_path / "bad.yml").write_text("service: bad\n")
    for _ in range(2):
        figures.source.clock.time += seconds(2)
        figures.read()
    read = figures.read()
    assert read["katakei_queue",] == 1
    assert read["katakei_service_files_faulty",] == 1
