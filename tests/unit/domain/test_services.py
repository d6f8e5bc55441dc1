"""Services and what belongs to them, as values: where they work, who gets messages, and their gates."""

from datetime import timedelta

import pytest

from katakei.domain.access import ServicePolicy
from katakei.domain.aws_place import EXTERNAL_ID, REGION, AwsPlace
from katakei.domain.notifications import Language, NotifyRule, Occasion, SecretPlace
from katakei.domain.services import HERE, UNREADABLE_POLICY, Service
from katakei.domain.spec import Approval, ExpiryDefault, Gate

ROLE = "arn:aws:iam::123456789012:role/katakei"


@pytest.mark.parametrize(
    ("place", "account", "text"),
    [
        (AwsPlace(), None, "the default credentials"),
        (AwsPlace(profile="shop", region="eu-north-1"), None, "profile shop in eu-north-1"),
        (AwsPlace(role_arn=ROLE, region="ap-northeast-1"), "123456789012", f"{ROLE} in ap-northeast-1"),
        (AwsPlace(role_arn="arn:aws:iam::12:role/short"), None, "arn:aws:iam::12:role/short"),
    ],
)
def test_place_tells_its_account_and_credentials(place: AwsPlace, account: str | None, text: str) -> None:
    assert (place.account, str(place)) == (account, text)


def test_external_id_is_shown_nowhere() -> None:
    place = AwsPlace(role_arn=ROLE, external_id="only-we-know")
    assert "only-we-know" not in f"{place} {place!r}"


@pytest.mark.parametrize(
    ("text", "is_region", "is_external_id"),
    [("ap-northeast-1", True, True), ("us-gov-west-1", True, True), ("Tokyo", False, True), ("a b", False, False)],
)
def test_region_and_external_id_have_their_form(text: str, *, is_region: bool, is_external_id: bool) -> None:
    assert (bool(REGION.fullmatch(text)), bool(EXTERNAL_ID.fullmatch(text))) == (is_region, is_external_id)


def test_service_works_with_the_credentials_of_the_server() -> None:
    service = Service("shop", "shop.yml", None)
    assert (service.place, service.policy, service.notify) == (HERE, ServicePolicy(), ())
    assert UNREADABLE_POLICY.four_eyes


def test_message_goes_out_on_every_occasion_unless_limited() -> None:
    rule = NotifyRule(SecretPlace(variable="SLACK_URL"))
    assert (rule.on, rule.language, str(rule.url)) == (frozenset(Occasion), Language.ENGLISH, "SLACK_URL")
    assert str(SecretPlace(file="/run/secrets/slack")) == "/run/secrets/slack"


@pytest.mark.parametrize(
    ("gate", "text"),
    [
        (Gate("go"), "go before the first target"),
        (Gate("canary", 2), "canary after 2"),
        (
            Gate("canary", 2, Approval(timedelta(hours=4), ExpiryDefault.PAUSE)),
            "canary after 2, expires 4h 00m, default pause",
        ),
    ],
)
def test_gate_says_where_it_stands(gate: Gate, text: str) -> None:
    assert str(gate) == text
