"""Configurations of the contenders: defaults are left out, differences are named."""

from pathlib import Path

from bench.contenders import configuration
from bench.design import COUNTER, FULL, PROOF, QUICK, Contender, Scenario, Tool

from katakei import config
from katakei.domain.spec import Spec


def test_configuration_omits_defaults() -> None:
    text = configuration(FULL[0], PROOF)
    assert "window" not in text
    assert "soak" not in text
    assert "settle" not in text


def read(folder: Path, scenario: Scenario, contender: Contender) -> Spec:
    """What Katakei makes of it."""
    (folder / "katakei.yml").write_text(configuration(scenario, contender))
    return config.load(folder / "katakei.yml", config.Overrides())


def test_configuration_of_every_contender_is_valid(tmp_path: Path) -> None:
    ours = [
        (scenario, each) for scenario in (*FULL, *QUICK) for each in scenario.contenders if each.tool is Tool.KATAKEI
    ]
    for scenario, contender in ours:
        assert read(tmp_path, scenario, contender).drain.until.value == contender.until


def test_configuration_names_what_differs_from_defaults(tmp_path: Path) -> None:
    spec = read(tmp_path, QUICK[0], COUNTER)
    assert (spec.drain.settle.seconds, spec.soak.seconds, spec.drain.until.value) == (5, 0, "counter")


def test_window_percentage_rounds_down_to_at_least_one() -> None:
    quarter = Contender(Tool.KATAKEI, "25%")
    assert (quarter.at_once(8), quarter.at_once(2)) == (2, 1)
