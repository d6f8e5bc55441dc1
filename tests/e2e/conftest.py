"""The command as its user meets it: a real process, a real lab, nothing of ours imported into the judgement."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import QUICK, Stage

from katakei.lab.process import Lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Two healthy servers, delay 2 s, checks every second; one lab for all tests of a file."""
    with Lab(QUICK) as running:
        yield running


@pytest.fixture
def ground(lab: Lab) -> Iterator[Ground]:
    """The lab as a test may judge it; whatever the test did, both servers are healthy again afterwards."""
    ground = Ground(lab)
    yield ground
    ground.put_back()


@pytest.fixture
def katakei(lab: Lab, tmp_path: Path) -> Iterator[Katakei]:
    """The command in a folder of its own, with a journal of its own; what it left running is killed."""
    command = Katakei(tmp_path, {**lab.env, "XDG_STATE_HOME": str(tmp_path)})
    yield command
    command.close()


@pytest.fixture(scope="session", autouse=True)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Every play that this run asks for, begun at once, the slow ones first."""
    marked = [item for item in request.session.items if item.get_closest_marker("play")]
    marked.sort(key=lambda item: item.get_closest_marker("slow") is None)
    params = [getattr(getattr(item, "callspec", None), "params", {}) for item in marked]
    stage = Stage([each["play"] for each in params if "play" in each], tmp_path_factory.mktemp("stage"))
    yield stage
    stage.close()
