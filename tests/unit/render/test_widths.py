"""Tests of the width of text on a terminal, and of local time with its zone."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest

from katakei.render.local_time import local_minute, local_second, zones
from katakei.render.text import grid
from katakei.render.widths import padded, width, wrapped

SUMMER, WINTER = datetime(2026, 7, 1, 12, 0, 7, tzinfo=UTC), datetime(2026, 12, 1, 12, 0, 7, tzinfo=UTC)


@pytest.mark.parametrize(("text", "columns"), [("", 0), ("web-1", 5), ("本番", 4), ("café", 4), ("ｶﾀｹｲ", 4)])
def test_width_counts_columns(text: str, columns: int) -> None:
    assert width(text) == columns
    assert padded(text, 8) == text + " " * (8 - columns)


def test_padded_never_cuts() -> None:
    assert padded("本番", 3) == "本番"


def test_grid_aligns_full_width_cells() -> None:
    assert grid(("A", "B"), [("本番", "1"), ("web", "2")]).splitlines() == ["A     B", "本番  1", "web   2"]


def test_ascii_text_loads_no_library() -> None:
    program = (
        "import sys; from katakei.render.text import grid; grid(['A'], [['web-1']]);"
        " print('rich' in sys.modules); grid(['A'], [['本番']]); print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.split() == ["False", "True"]


def test_wrapped_breaks_between_words() -> None:
    assert wrapped("aa bb cc", 7, "  ") == "  aa bb\n  cc"
    assert wrapped("本番 本番", 8, "") == "本番\n本番"
    assert wrapped("far-too-long-word a", 5, "") == "far-too-long-word\na"


def test_local_time_names_its_zone(local_zone: Callable[[str], AbstractContextManager[None]]) -> None:
    with local_zone("Asia/Tokyo"):
        assert local_minute(WINTER) == "2026-12-01 21:00 JST"
        assert local_second(WINTER) == "2026-12-01 21:00:07 JST"
        assert zones([SUMMER, WINTER]) == {"JST"}
    with local_zone("Europe/Berlin"):
        assert local_minute(SUMMER) == "2026-07-01 14:00 CEST"
        assert zones([SUMMER, WINTER]) == {"CEST", "CET"}
