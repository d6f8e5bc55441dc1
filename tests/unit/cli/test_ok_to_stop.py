"""Tests of `ok-to-stop` and of its answer as text and JSON."""

import pytest
from tests.project.schemas import schemas
from tests.unit.given import a_group, a_target
from tests.unit.json_schema import faults

from katakei.cli import run
from katakei.cli.language import VARIABLES
from katakei.domain.notifications import Language
from katakei.domain.reasons import ReasonCode, reason
from katakei.planning.survey import Departure
from katakei.render.ok_to_stop import departure_data, departure_text
from katakei.render.translation import ENGLISH, translator

WEB0 = a_target(0, (a_group(),))
YES = Departure((WEB0,), (), {"web": 2}, {"web": 2})
NO = Departure((WEB0,), (reason(ReasonCode.GROUP_FLOOR, group="web", serving=1, floor=2),), {"web": 1}, {"web": 2})


def test_yes_says_what_is_left() -> None:
    assert departure_text(YES, ENGLISH).splitlines() == [
        f"yes: {WEB0.id} ({WEB0.name})",
        "  web: 2 would serve, the floor is 2",
    ]


def test_no_says_why() -> None:
    first, *rest = departure_text(NO, ENGLISH).splitlines()
    assert first == f"no: {WEB0.id} ({WEB0.name})"
    assert len(rest) == 1
    assert "web" in rest[0]
    assert departure_text(NO, translator(Language.JAPANESE)).startswith("いいえ: ")


@pytest.mark.parametrize("found", [YES, NO], ids=["yes", "no"])
def test_json_has_the_answer_and_the_reasons(found: Departure) -> None:
    data = departure_data(found)
    assert list(faults(data, schemas()["output-ok-to-stop.schema.json"])) == []
    assert (data["ok"], data["targets"], data["serving"]) == (found.ok, [WEB0.id], dict(found.serving))


def test_command_without_a_target_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*VARIABLES, "INSTANCE_ID", "KATAKEI_SERVER", "KATAKEI_JOURNAL"):
        monkeypatch.delenv(name, raising=False)
    assert run(["ok-to-stop", "--group", "web"]) == 2
    assert capsys.readouterr().err == (
        "katakei: which targets? give instance ids, IPs or names, or export INSTANCE_ID\n"
    )
