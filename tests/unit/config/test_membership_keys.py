"""Tests of the keys `membership` and `window.ranks`."""

from pathlib import Path

import pytest
from tests.unit.config.one_file import faults, loaded

from katakei.domain.spec import Membership, Ranks, UnhealthyAtStart, ZonalShift

WORK = "work: {local: {run: ./deploy}}\n"


def test_membership_and_ranks_are_read(tmp_path: Path) -> None:
    spec = loaded(
        tmp_path,
        WORK
        + "membership: {auto_scaling: refuse, zonal_shift: allow, unhealthy: skip}\n"
        + "window: {ranks: {tag: Tier, first: [batch, web]}}\n",
    )
    assert spec.membership == Membership(ZonalShift.ALLOW, UnhealthyAtStart.SKIP)
    assert spec.window.ranks == Ranks("Tier", ("batch", "web"))


def test_membership_defaults_are_those_of_older_versions(tmp_path: Path) -> None:
    spec = loaded(tmp_path, WORK)
    assert spec.membership == Membership(ZonalShift.REFUSE, UnhealthyAtStart.LAST)
    assert spec.window.ranks is None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("membership: {auto_scaling: standby}", "membership.auto_scaling: standby is not a known value; write refuse"),
        ("membership: {zonal_shift: ignore}", "membership.zonal_shift: ignore is not a known value"),
        ("membership: {unhealthy: never}", "membership.unhealthy: never is not a known value"),
        ("membership: {draining: skip}", "membership.draining: is not a known key"),
        ("window: {ranks: {tag: Tier}}", "window.ranks.first: is missing; write ranks: {tag: Tier"),
        ("window: {ranks: {first: [a]}}", "window.ranks.tag: is missing; write ranks: {tag: Tier"),
        ("window: {ranks: {tag: Tier, first: []}}", "window.ranks.first"),
        ("window: {ranks: {tag: Tier, first: [a, b, a]}}", "each value has one rank; written several times: a"),
    ],
)
def test_faulty_membership_is_reported(tmp_path: Path, written: str, said: str) -> None:
    assert said in faults(tmp_path, f"{WORK}{written}\n")
