"""The demo, as it is shown to whoever asks whether this works."""

import json

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage

pytestmark = pytest.mark.lab
plays = Plays()


@plays.slow
def demo_rolls_two_servers_and_loses_no_request(katakei: Katakei, ground: Ground) -> None:
    del ground  # it brings a lab of its own
    done = katakei("demo", within=240, AWS_ENDPOINT_URL=None, TARGET_GROUP_ARN=None)
    assert done.code == 0, done.all()
    assert "failed requests: 0" in done.out
    assert done.out.count(" s, serves v2") == 2
    assert "a script that waits for the timer of 5m would have needed" in done.out


@plays.slow
def demo_prints_its_figures_as_json(katakei: Katakei, ground: Ground) -> None:
    del ground
    done = katakei("demo", "--json", within=240, AWS_ENDPOINT_URL=None)
    data = json.loads(done.out)
    assert (done.code, data["exit"], data["failed"], set(data["releases"].values())) == (0, 0, 0, {"v2"})
    assert data["seconds"] * 3 < data["seconds_by_timer"] > 600


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
