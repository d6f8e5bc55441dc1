"""Text from outside is one harmless line behind the door of every adapter."""

import base64
import getpass
import socket
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from tests.unit.domain.test_outside_text import HOSTILE, commands
from tests.unit.given import NOON

from katakei.adapters.aws.errors import translate
from katakei.adapters.aws.services import ELB
from katakei.adapters.balancers.alb.instances import read_instance
from katakei.adapters.balancers.alb.target_health import read_health
from katakei.adapters.executors import mark
from katakei.adapters.probes.counter import Numbers, judge
from katakei.adapters.system.process import current_owner
from katakei.domain.outside_text import hidden

EVIL = "web\n::error::x\x1b]52;c;aGk=\x07\u202e"
SAFE = r"web ::error::x\x1b]52;c;aGk=\x07\u202e"


def assert_harmless(text: str) -> None:
    assert not hidden(text)
    assert len(text.splitlines()) <= 1
    assert commands(text) == []


@given(HOSTILE)
def test_name_tag_is_one_harmless_line(word: str) -> None:
    assert_harmless(read_instance({"InstanceId": "i-1", "Tags": [{"Key": "Name", "Value": word}]}).name)


@given(HOSTILE)
def test_reason_of_the_load_balancer_is_one_harmless_line(word: str) -> None:
    health = read_health({"TargetHealth": {"State": "unhealthy", "Reason": word, "Description": word}}, NOON, NOON)  # type: ignore[typeddict-item]  # no enum of AWS
    assert_harmless(health.reason)
    assert_harmless(health.description)


def test_reason_of_a_target_is_one_harmless_line() -> None:
    why = base64.b64encode(EVIL.encode()).decode()
    [read] = mark.read(f"katakei-mark r/1-update unknown - 1700000000 i-1 {why} - i-1@f -\nkatakei-end\n").marks
    assert read.why == SAFE


def test_error_of_aws_is_one_harmless_line() -> None:
    error = ClientError({"Error": {"Code": "InvalidTarget", "Message": EVIL}}, "RegisterTargets")
    assert SAFE in str(translate(ELB, "RegisterTargets", error))


def test_answer_of_a_counter_is_one_harmless_line() -> None:
    never = timedelta()
    assert judge(Numbers(never, ((never, None),), EVIL), never).why.endswith(SAFE)


def test_name_of_the_user_is_one_harmless_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: EVIL)
    monkeypatch.setattr(socket, "gethostname", lambda: EVIL)
    owner = current_owner()
    assert (owner.user, owner.host) == (SAFE, SAFE)
