"""What a tool used is its own."""

import os
import threading
from pathlib import Path

from bench import tool


def test_tool_memory_excludes_its_parent(tmp_path: Path) -> None:
    ours = bytearray(60_000_000)
    used = tool.run(["sh", "-c", "exit 3"], os.environ, tmp_path, 20, threading.Event())
    assert (used.exit, used.memory < len(ours) / 2e6, used.cpu < 1) == (3, True, True)


def test_tool_is_ended_at_its_limit(tmp_path: Path) -> None:
    used = tool.run(["sh", "-c", "sleep 60 & sleep 60"], os.environ, tmp_path, 0.5, threading.Event())
    assert used.exit < 0
    assert used.wall < 30
