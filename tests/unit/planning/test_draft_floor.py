"""Tests of the floor that a draft of a configuration gets."""

from dataclasses import replace

import pytest
from tests.unit.given import a_group
from tests.unit.surveyed import HEALTHY, a_survey

from katakei.domain.model import Minimum
from katakei.domain.spec import Share
from katakei.planning.draft import floor_for

WEB = a_group()


@pytest.mark.parametrize(
    ("minima", "floor"),
    [
        ((), Share(percent=50)),
        ((Minimum("dns", 1, None),), Share(percent=50)),
        ((Minimum("dns", None, 60),), Share(percent=60)),
        ((Minimum("dns", 3, None), Minimum("routing", None, 40)), Share(count=3)),
    ],
)
def test_floor_keeps_the_minimum_of_the_group(minima: tuple[Minimum, ...], floor: Share) -> None:
    group = replace(WEB, minima=minima)
    assert floor_for((group,), a_survey((HEALTHY,) * 4, (group,)).members) == floor


def test_floor_is_none_where_none_can_be_kept() -> None:
    alone = a_survey((HEALTHY,)).members
    unused = replace(WEB, load_balancers=())
    assert floor_for((WEB,), alone) == Share(count=0)
    assert floor_for((unused,), a_survey((HEALTHY, HEALTHY), (unused,)).members) == Share(count=0)
