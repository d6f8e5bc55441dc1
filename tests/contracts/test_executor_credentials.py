"""Credentials of the executor that cannot be read, or lead nowhere: told, borne, and read anew by the next call."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contracts.credentials import WAYS, SignOn, signed_on
from tests.contracts.workshops import BY, ByRunCommand, by_run_command, follow, hand_over, job, key, until

from katakei.adapters.aws import AwsSession
from katakei.adapters.executors.ssm import SsmExecutor
from katakei.domain.errors import TemporarilyUnavailableError
from katakei.domain.observation import WorkState


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ByRunCommand]:
    with by_run_command(tmp_path, monkeypatch) as shop:
        yield shop


@pytest.fixture
def sign_on(shop: ByRunCommand, tmp_path: Path) -> Iterator[SignOn]:
    assert shop.service.calls == []
    with signed_on(tmp_path / "signed-on") as sign_on:
        yield sign_on


@pytest.mark.parametrize("way", WAYS)
def test_a_start_without_credentials_is_out_of_reach_and_begins_once_they_are_found(
    shop: ByRunCommand, sign_on: SignOn, way: str
) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job("echo begun >> begun"))}
    until(shop, {key(whom): (whom, "")}, WorkState.NOT_STARTED, lambda: None)
    sign_on.lost(way)
    for _ in range(2):  # the credentials at hand cannot be renewed; then there are none
        with pytest.raises(TemporarilyUnavailableError, match=r"AWS cannot be asked: .*check the credentials"):
            shop.executor.start(jobs, BY)
    sign_on.found()
    assert follow(shop, jobs, hand_over(shop, jobs))[key(whom)].state is WorkState.ENDED
    assert (shop.folder(whom) / "begun").read_text() == "begun\n"


@pytest.mark.parametrize("way", WAYS)
def test_a_question_without_credentials_is_out_of_reach_and_answered_once_they_are_found(
    shop: ByRunCommand, sign_on: SignOn, way: str
) -> None:
    assert shop.executor.ready(shop.targets, BY) == {}
    sign_on.lost(way)
    for _ in range(2):
        with pytest.raises(TemporarilyUnavailableError, match=r"AWS cannot be asked: .*check the credentials"):
            shop.executor.ready(shop.targets, BY)
    sign_on.found()
    assert shop.executor.ready(shop.targets, BY) == {}


def test_an_endpoint_that_is_no_url_is_named(shop: ByRunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "not a url")
    with pytest.raises(TemporarilyUnavailableError, match=r"not a url.*AWS_ENDPOINT_URL"):
        SsmExecutor(AwsSession("ap-northeast-1", None, shop.clock), shop.clock).ready(shop.targets, BY)
