"""The log of a command: its levels and formats, what is in it, and that no secret is."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.unit.app.fakes import SPEC, Stage, started

from katakei.app.rollouts import RolloutRequest
from katakei.cli.logs import line, start_logging, start_service_log
from katakei.domain.errors import UsageError
from katakei.domain.spec import Command, Variable

CANARY = "c4n4ry-7d21"


@pytest.fixture(autouse=True)
def _quiet_again() -> Iterator[None]:
    logger = logging.getLogger("katakei")
    before = (list(logger.handlers), logger.level, logger.propagate)
    yield
    logger.handlers, level, logger.propagate = before
    logger.setLevel(level)


def record(**facts: object) -> logging.LogRecord:
    made = logging.LogRecord("katakei.runtime.runner", logging.INFO, "", 1, "events written", None, None)
    made.created = 0
    made.facts = facts
    return made


def test_line_is_key_value_text() -> None:
    facts = {"after": 3, "kinds": ["Moved", "Taken"], "error": 'no "answer"\x1b[2J'}
    assert line(record(**facts), as_json=False) == (
        'time=1970-01-01T00:00:00.000Z level=info logger=katakei.runtime.runner event="events written"'
        r' after=3 kinds="Moved,Taken" error="no \"answer\"\u001b[2J"'
    )


def test_line_is_one_json_object() -> None:
    assert json.loads(line(record(after=3, kinds=["Moved"]), as_json=True)) == {
        "time": "1970-01-01T00:00:00.000Z",
        "level": "info",
        "logger": "katakei.runtime.runner",
        "event": "events written",
        "after": 3,
        "kinds": ["Moved"],
    }


@pytest.mark.parametrize(
    ("verbose", "wanted", "level"),
    [
        (1, "", "INFO"),
        (2, "", "DEBUG"),
        (5, "", "DEBUG"),
        (0, "error", "ERROR"),
        (0, "DEBUG:json", "DEBUG"),
        (1, "warning", "INFO"),
        (1, "debug", "DEBUG"),
    ],
)
def test_start_logging_sets_the_more_verbose_level(verbose: int, wanted: str, level: str) -> None:
    start_logging(verbose, {"KATAKEI_LOG": wanted})
    assert logging.getLevelName(logging.getLogger("katakei").level) == level


@pytest.mark.parametrize("wanted", ["loud", "debug:xml", ":json"])
def test_start_logging_refuses_an_unknown_level(wanted: str) -> None:
    with pytest.raises(UsageError, match="is no log level"):
        start_logging(0, {"KATAKEI_LOG": wanted})


def test_start_logging_is_silent_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(0, {})
    rolled()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("form", ["text", "json"])
def test_log_shows_lease_calls_events_and_turns_but_no_secret(capsys: pytest.CaptureFixture[str], form: str) -> None:
    start_logging(0, {"KATAKEI_LOG": f"debug:{form}"})
    rolled()
    out, err = capsys.readouterr()
    assert out == ""
    for event in ("lease acquired", "events written", "turn", "call", "lease released"):
        assert (f'"event": "{event}"' if form == "json" else "event=") in err
        assert event in err
    assert all(word in err for word in ("Deregister", "StartWork", "Register", "r-new"))
    assert CANARY not in err
    assert "deploy" not in err


def test_log_shows_no_library_that_signs_requests(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(2, {"KATAKEI_LOG": "debug"})
    for name in ("botocore.auth", "urllib3", "katakeix"):
        logging.getLogger(name).debug("Authorization: AWS4-HMAC-SHA256 Signature=abc")
        logging.getLogger(name).info("Authorization: AWS4-HMAC-SHA256 Signature=abc")
    assert "Signature" not in capsys.readouterr().err


def rolled() -> None:
    """A whole rollout whose work gets a secret, in a simulated AWS of two servers."""
    stage = Stage()
    work = Command("ssm", f"./deploy {CANARY}", env=(Variable("TOKEN", CANARY),))
    request = RolloutRequest(replace(SPEC, work=work), "v2")
    with started(stage, request) as session:
        assert list(session.turns())[-1].rollout.finished


def test_log_of_a_server_is_json_with_rollout_ids(capsys: pytest.CaptureFixture[str]) -> None:
    start_service_log("json", {})
    session = started(Stage(), RolloutRequest(SPEC))
    session.step()
    session.close()
    lines = [json.loads(each) for each in capsys.readouterr().err.splitlines()]
    assert {each["rollout"] for each in lines if each["event"] == "events written"} == {"r-new"}


@pytest.mark.parametrize(
    ("env", "level", "start"),
    [
        ({}, logging.INFO, "{"),
        ({"KATAKEI_LOG": "warning"}, logging.WARNING, "{"),
        ({"KATAKEI_LOG": "debug:text"}, 10, "time="),
    ],
)
def test_log_of_a_server_follows_the_environment(
    env: dict[str, str], level: int, start: str, capsys: pytest.CaptureFixture[str]
) -> None:
    start_service_log("json", env)
    assert logging.getLogger("katakei").level == level
    logging.getLogger("katakei").error("hello")
    assert capsys.readouterr().err.startswith(start)
