"""The key `notify`: who gets messages. The address itself never stands in the file."""

from pathlib import Path

import pytest

from katakei import config
from katakei.config.defaults import Configuration
from katakei.domain.errors import UsageError
from katakei.domain.notifications import Language, NotifyRule, Occasion, SecretPlace

SMALL = "service: shop\nbalancer: {alb: {target_groups: [web]}}\nwork: {ssm: {run: ./deploy}}\n"
NOTHING = config.Overrides()


def read(folder: Path, notify: str) -> Configuration:
    (folder / "katakei.yml").write_text(f"{SMALL}notify: {notify}\n")
    return config.read_file(folder / "katakei.yml", NOTHING)


def test_rules_have_all_occasions_by_default(tmp_path: Path) -> None:
    assert read(tmp_path, "[{url: {secret: CHAT_URL}}]").notify == (
        NotifyRule(SecretPlace(variable="CHAT_URL"), frozenset(Occasion), Language.ENGLISH),
    )


def test_rules_name_file_occasions_and_language(tmp_path: Path) -> None:
    (rule,) = read(tmp_path, "[{url: {file: /run/secrets/chat}, on: [failed, done], language: ja}]").notify
    assert rule.url == SecretPlace(file="/run/secrets/chat")
    assert rule.on == {Occasion.FAILED, Occasion.DONE}
    assert rule.language is Language.JAPANESE


def test_rules_are_no_part_of_the_recorded_spec(tmp_path: Path) -> None:
    with_rules = read(tmp_path, "[{url: {secret: CHAT_URL}}]")
    assert with_rules.spec == read(tmp_path, "[]").spec


@pytest.mark.parametrize(
    ("notify", "fault"),
    [
        ("[{url: 'slack://token'}]", "notify[0].url: a URL holds a secret, which does not belong into this file"),
        ("[{url: {secret: slack}}]", "notify[0].url: 'slack' is not the name of an environment variable"),
        ("[{url: {file: secret}}]", "notify[0].url: 'secret' is not the path of a file"),
        ("[{url: {ssm_parameter: /x}}]", "notify[0].url: a URL holds a secret"),
        ("[{on: [done]}]", "notify[0].url: is missing; write url: {secret: CHAT_URL}"),
        ("[{url: {secret: A}, on: []}]", "notify[0].on: is empty; name at least one"),
        ("[{url: {secret: A}, on: [soaking]}]", "notify[0].on[0]: soaking is not a known value"),
        ("[{url: {secret: A}, language: fr}]", "notify[0].language: fr is not a known value; write en or ja"),
        ("[{url: {secret: A}, onn: [done]}]", "notify[0].onn: is not a known key; did you mean on?"),
        ("{url: {secret: A}}", "notify: must be a list"),
        ("[{url: {secret: A}}" + ", {url: {secret: A}}" * 20 + "]", "notify: has too many entries"),
    ],
)
def test_faults_of_notify_name_their_line(tmp_path: Path, notify: str, fault: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(tmp_path, notify)
    assert str(raised.value).startswith(f"katakei.yml:4: {fault}")
    assert "token" not in str(raised.value)
