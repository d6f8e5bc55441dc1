"""`kill -9` of `katakei roll` at random moments: the same command finishes the rollout (promise 5)."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.acceptance.conftest import SmallRuns
from tests.acceptance.kill_test import SCALE, roll_with_kills


@pytest.mark.lab
def test_rollout_survives_three_kills(small: SmallRuns) -> None:
    small.kills.result()


@pytest.mark.acceptance
def test_rollout_survives_thirty_kills(tmp_path: Path) -> None:
    roll_with_kills(tmp_path, seed=20, kills=30, each=4)


@pytest.mark.acceptance
def test_rollout_by_proof_survives_fifty_kills(tmp_path: Path) -> None:
    roll_with_kills(tmp_path, seed=50, kills=50, each=4, scale=replace(SCALE, delay=300, until="proof"))
