"""The command as its user meets it: a real process, a real lab, nothing of ours imported into the judgement."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faces.command import Katakei
from tests.faces.ground import Ground
from tests.faces.stage import QUICK

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
