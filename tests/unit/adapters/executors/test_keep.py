"""Tests of the keeper alone: it touches no mark that another start has claimed."""

import subprocess
import time
from importlib.resources import files
from pathlib import Path


def test_keeper_leaves_a_claimed_mark_as_it_is(tmp_path: Path) -> None:
    mark = tmp_path / "r-7" / "1-update"
    mark.mkdir(parents=True)
    (mark / "pid").write_text("1 2\n")
    keeper = (files("katakei.adapters.executors") / "keep.sh").read_text()
    soon, work = str(int(time.time()) + 60), f"touch {tmp_path}/ran"
    command = ["sh", "-c", keeper, "katakei-keep", str(mark), "sh -c", work, soon, "m-1", ""]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 73
    assert [(each.name, each.read_text()) for each in mark.iterdir()] == [("pid", "1 2\n")]
    assert not (tmp_path / "ran").exists()
