"""Tests of the rows of `doctor`: every sign has its sentence, and every finding says what to do."""

from datetime import timedelta
from string import Formatter

import pytest
from tests.project.schemas import schemas
from tests.unit.json_schema import faults

from katakei.domain.errors import UnreachableError
from katakei.domain.notifications import Language
from katakei.planning.diagnosis import Finding, Level, Sign, Topic, found
from katakei.planning.reasons import PlanCode, reason
from katakei.render.diagnosis import ADVICE, SENTENCES, diagnosis_data, diagnosis_text
from katakei.render.translation import ENGLISH, translator

ROWS = (
    found(Level.OK, Topic.CREDENTIALS, Sign.SITE, account="123456789012", region="ap-northeast-1"),
    found(Level.WARNING, Topic.TIME, Sign.DELAY_WAITED, group="web", delay=timedelta(minutes=5)),
    Finding(Level.FAULT, Topic.PLAN, reason(PlanCode.CROSS_ZONE_OFF, group="web", zone="a", floor=1)),
    Finding(Level.FAULT, Topic.RIGHTS, UnreachableError("these credentials may not call RegisterTargets")),
)


def names(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("sign", list(Sign))
def test_every_sign_has_a_sentence_with_its_facts(sign: Sign) -> None:
    assert names(ADVICE.get(sign, "")) <= names(SENTENCES[sign])


def test_advice_is_given_for_what_needs_something() -> None:
    well = {Sign.SITE, Sign.CLOCK_RIGHT, Sign.CLOCK_UNKNOWN, Sign.PLAN_POSSIBLE, Sign.TIMES_SHORT, Sign.TARGETS_READY}
    well |= {Sign.RIGHTS_PROVED, Sign.NOT_TRIED, Sign.PROBE_POSSIBLE, Sign.JOURNAL_READ, Sign.LEASES_FREE}
    assert set(Sign) - set(ADVICE) == well


def test_rows_have_level_topic_message_and_advice() -> None:
    lines = diagnosis_text(ROWS, ENGLISH).splitlines()
    assert lines[0] == "ok       credentials  account 123456789012, region ap-northeast-1"
    assert lines[1] == "warning  times        web: each target waits the whole deregistration delay of 5m"
    assert lines[2].startswith(" " * 22 + "use work: ssm or ssh")
    assert lines[3].startswith("fault    plan         cross-zone load balancing is off for web")
    assert lines[4] == "fault    rights       these credentials may not call RegisterTargets"


def test_rows_are_in_the_language_of_the_reader() -> None:
    text = diagnosis_text(ROWS, translator(Language.JAPANESE))
    assert "警告     所要時間     web: 各ターゲットが登録解除の遅延 5分 を最後まで待ちます" in text


def test_json_has_codes_in_english() -> None:
    data = diagnosis_data(ROWS)
    assert list(faults(data, schemas()["output-doctor.schema.json"])) == []
    rows = data["findings"]
    assert data["worst"] == "fault"
    assert isinstance(rows, list)
    assert [row["code"] for row in rows if isinstance(row, dict)] == ["site", "delay_waited", "cross_zone_off", None]
