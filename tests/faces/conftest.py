"""The command as its user meets it: a real process, a real lab, nothing of ours imported into the judgement."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.faces.command import Katakei
from tests.faces.ground import Ground

from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

QUICK = LabOptions(targets=2, delay=timedelta(seconds=2), interval=timedelta(seconds=1), port=8080)


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


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Katakei]:
    """The command where there is no AWS at all: neither region nor credentials nor a way to it."""
    command = Katakei(tmp_path, {"XDG_STATE_HOME": str(tmp_path)})
    yield command
    command.close()
