"""Tests of the overview values, whose words are part of the JSON output."""

from tests.unit.given import a_group

from katakei.domain.overview import Knowledge
from katakei.domain.ports import ListedGroup


def test_knowledge_has_the_words_of_the_json_output() -> None:
    assert [each.value for each in Knowledge] == ["confirmed", "unconfirmed", "reverted"]


def test_listed_group_knows_its_place_by_its_arn() -> None:
    group = a_group()
    listed = ListedGroup(group.arn, group.name, 80, "HTTP", group.target_type, ())
    assert (listed.region, listed.account) == ("ap-northeast-1", "123456789012")
