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


def test_keeper_writes_no_result_into_a_mark_of_another_process(tmp_path: Path) -> None:
    mark = tmp_path / "r-7" / "1-update"
    mark.parent.mkdir(parents=True)
    keeper = (files("katakei.adapters.executors") / "keep.sh").read_text()
    # The work removes its mark; another process claims the name and forbids the work.
    replaced = f"until rm -rf {mark}; do :; done; mkdir {mark}; echo forbidden >{mark}/forbidden"
    command = ["sh", "-c", keeper, "katakei-keep", str(mark), "sh -c", replaced, str(int(time.time()) + 60), "m-1", ""]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert [(each.name, each.read_text()) for each in mark.iterdir()] == [("forbidden", "forbidden\n")]
