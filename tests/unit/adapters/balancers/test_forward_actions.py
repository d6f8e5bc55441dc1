"""Actions keep everything but two weights: order, stickiness, authentication; and two forms of one forward are one."""

from datetime import timedelta
from typing import Any

import pytest

from katakei.adapters.balancers.routes.forward_actions import frame, stickiness, trouble, weights, written
from katakei.domain.model import Arn
from katakei.domain.ports import RouteTrouble
from katakei.domain.traffic import Weights

OLD, NEW, THIRD = Arn("old"), Arn("new"), Arn("third")
OFF = {"TargetGroupStickinessConfig": {"Enabled": False}}
LOGIN: dict[str, Any] = {
    "Type": "authenticate-oidc",
    "Order": 1,
    "AuthenticateOidcConfig": {"Issuer": "https://id.example.com", "ClientId": "c", "Scope": "openid"},
}


def forward(*groups: tuple[str, int], sticky: int = 0, **more: Any) -> dict[str, Any]:
    config: dict[str, Any] = {"TargetGroups": [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in groups]}
    config |= {"TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": sticky}} if sticky else OFF
    return {"Type": "forward", "ForwardConfig": config, **more}


ALONE: dict[str, Any] = {**forward((OLD, 1)), "TargetGroupArn": OLD}


def test_two_forms_of_one_forward_are_the_same() -> None:
    short = {"Type": "forward", "TargetGroupArn": OLD}
    assert frame([ALONE], OLD, NEW) == frame([short], OLD, NEW) == frame([forward((NEW, 9), (OLD, 1))], OLD, NEW)
    assert weights([ALONE], OLD, NEW) == weights([short], OLD, NEW) == Weights(1, None)
    assert weights([forward((OLD, 75), (NEW, 25))], OLD, NEW) == Weights(75, 25)


@pytest.mark.parametrize(
    "other",
    [
        [forward((OLD, 1), (THIRD, 1))],
        [forward((OLD, 1), sticky=60)],
        [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}],
        [LOGIN, forward((OLD, 1), Order=2)],
    ],
    ids=["third group", "stickiness", "redirect", "login"],
)
def test_any_other_change_is_seen(other: list[dict[str, Any]]) -> None:
    assert frame(other, OLD, NEW) != frame([ALONE], OLD, NEW)


def test_order_is_what_counts_not_the_place_in_the_list() -> None:
    last = forward((OLD, 1), Order=2)
    assert frame([LOGIN, last], OLD, NEW) == frame([last, LOGIN], OLD, NEW)
    assert frame([forward((OLD, 1), Order=1)], OLD, NEW) == frame([ALONE], OLD, NEW)


def test_the_weights_of_a_share_are_sent_and_the_rest_as_it_was() -> None:
    [login, moved] = written([LOGIN, {**ALONE, "Order": 2}], OLD, NEW, 25)
    assert moved == {
        "Type": "forward",
        "Order": 2,
        "ForwardConfig": {
            **OFF,
            "TargetGroups": [{"TargetGroupArn": OLD, "Weight": 75}, {"TargetGroupArn": NEW, "Weight": 25}],
        },
    }
    assert login["AuthenticateOidcConfig"] == {**LOGIN["AuthenticateOidcConfig"], "UseExistingClientSecret": True}
    assert frame([login], OLD, NEW) == frame([LOGIN], OLD, NEW)


def test_the_way_back_is_exactly_what_was_found() -> None:
    assert written([ALONE], OLD, NEW, None) == [ALONE]


def test_trouble_of_routes_that_cannot_move() -> None:
    assert trouble([ALONE], OLD, NEW) is None
    assert trouble([forward((OLD, 1), (NEW, 0))], OLD, NEW) is None
    assert trouble([forward((OLD, 1), (THIRD, 0))], OLD, NEW) is RouteTrouble.OTHER_GROUPS
    assert trouble([forward((OLD, 9), (NEW, 1))], OLD, NEW) is RouteTrouble.ALREADY_NEW
    assert trouble([forward((OLD, 0), (NEW, 1))], OLD, NEW) is RouteTrouble.NO_REQUESTS
    assert trouble([{"Type": "inspect"}, ALONE], OLD, NEW) is RouteTrouble.UNKNOWN_ACTION


def test_stickiness_is_how_long_a_client_keeps_its_group() -> None:
    assert stickiness([LOGIN, forward((OLD, 1), sticky=60)]) == timedelta(minutes=1)
    assert stickiness([ALONE]) is None
