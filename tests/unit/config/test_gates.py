"""Tests of `gates:` in katakei.yml: approvals, their defaults, and every fault with its line."""

from datetime import timedelta
from pathlib import Path

import pytest

from katakei import config
from katakei.domain.errors import UsageError
from katakei.domain.spec import Approval, ExpiryDefault, Gate

SMALL = "service: shop\nbalancer: {alb: {target_groups: [web]}}\nwork: {ssm: {run: ./deploy}}\n"


def gates_of(folder: Path, text: str) -> tuple[Gate, ...]:
    file = folder / "katakei.yml"
    file.write_text(f"{SMALL}gates:{text}\n", encoding="utf-8")
    return config.load(file, config.Overrides()).gates


def test_gates_keep_their_order_and_defaults(tmp_path: Path) -> None:
    written = """
  - approval: {}
  - approval: {name: rest, after: 2, expires: 30m, default: pause}"""
    assert gates_of(tmp_path, written) == (
        Gate("approval", 0, Approval(timedelta(hours=4), ExpiryDefault.ABORT)),
        Gate("rest", 2, Approval(timedelta(minutes=30), ExpiryDefault.PAUSE)),
    )
    assert gates_of(tmp_path, " []") == ()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (" [{approval: {}}, {approval: {}}]", "each gate needs a name of its own; several are named approval"),
        (" [{approval: {after: -1}}]", "gates[0].approval.after"),
        (" [{approval: {after: two}}]", "gates[0].approval.after"),
        (" [{approval: {expires: 0s}}]", "gates[0].approval.expires"),
        (" [{approval: {default: go}}]", "gates[0].approval.default"),
        (" [{approval: {who: kim}}]", "who"),
        (" [{}]", "approval"),
        (" [{sundial: {}}]", "sundial"),
        (" {approval: {}}", "gates"),
    ],
)
def test_faulty_gate_is_reported_with_its_line(tmp_path: Path, written: str, said: str) -> None:
    with pytest.raises(UsageError) as fault:
        gates_of(tmp_path, written)
    assert said in str(fault.value)
    assert "katakei.yml:4" in str(fault.value)
