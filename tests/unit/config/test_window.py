"""Tests of `window.waves` and `window.pause_between` in katakei.yml, and every fault with its line."""

from datetime import timedelta
from pathlib import Path

import pytest

from katakei import config
from katakei.domain.errors import UsageError
from katakei.domain.spec import Share, Window

SMALL = "service: shop\nbalancer: {alb: {target_groups: [web]}}\nwork: {ssm: {run: ./deploy}}\n"


def window_of(folder: Path, text: str) -> Window:
    file = folder / "katakei.yml"
    file.write_text(f"{SMALL}window:\n  {text}\n", encoding="utf-8")
    return config.load(file, config.Overrides()).window


def test_waves_are_counts_and_percentages(tmp_path: Path) -> None:
    window = window_of(tmp_path, "{waves: [1, 10%, 50%, 100%], pause_between: 5m}")
    assert window.waves == (Share(count=1), Share(percent=10), Share(percent=50), Share(percent=100))
    assert window.pause_between == timedelta(minutes=5)
    assert window_of(tmp_path, "{floor: 1}").waves == ()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{waves: [50%, 10%]}", "10% comes after 50%; waves count from the first target on, so each is larger"),
        ("{waves: [1, 50%, 50%]}", "50% comes after 50%"),
        ("{waves: [5, 4]}", "4 comes after 5"),
        ("{waves: [100%, 7]}", "7 comes after 100%"),
        ("{waves: []}", "is empty; name at least one"),
        ("{waves: [0, 100%]}", "must allow at least one target"),
        ("{waves: [1, 110%]}", "neither a number nor a percentage"),
        ("{waves: 3}", "must be a list"),
        ("{pause_between: 5m}", "pause_between has an effect only with waves"),
        ("{waves: [1], pause_between: soon}", "is not a duration"),
    ],
)
def test_faulty_wave_is_reported_with_its_line(tmp_path: Path, written: str, said: str) -> None:
    with pytest.raises(UsageError) as fault:
        window_of(tmp_path, written)
    assert said in str(fault.value)
    assert "katakei.yml:5" in str(fault.value) or "katakei.yml:4" in str(fault.value)


def test_fault_of_waves_names_the_line_of_the_key(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"katakei\.yml:6: window\.waves"):
        window_of(tmp_path, "floor: 1\n  waves: [2, 1]")


def test_key_of_a_later_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "katakei.yml"
    file.write_text(SMALL + 'current: {ssm: {run: "cat RELEASE"}}\n', encoding="utf-8")
    with pytest.raises(UsageError, match="compares the recorded releases; remove it"):
        config.load(file, config.Overrides())
