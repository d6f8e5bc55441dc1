"""Tests of the public JSON output: what older versions printed still fits, and so does everything printed today."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.project.schemas import schemas
from tests.unit.given import NOON, a_group, a_plan, brought, given, later, t
from tests.unit.json_schema import faults
from tests.unit.surveyed import WEB, a_survey

from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.model import Target
from katakei.domain.overview import CarriedRelease, Driver, Knowledge, ListedRollout
from katakei.domain.phases import Phase
from katakei.domain.plan import PlanKind
from katakei.domain.ports import ListedGroup, Liveness, RolloutHeader
from katakei.domain.reasons import Reason, ReasonCode
from katakei.domain.wire import EVENTS
from katakei.planning.forecast import forecast
from katakei.planning.reasons import PlanCode, reason
from katakei.render import events as event_text
from katakei.render import groups, report, rollout_list
from katakei.render import plan as plan_text
from katakei.render.json_data import LINES, OUTPUTS, RECORDS, Plain, output, plain

RECORDED: Mapping[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "recorded" / "outputs-1.json").read_text(encoding="utf-8")
)
SCHEMAS = {name.removeprefix("output-").removesuffix(".schema.json"): found for name, found in schemas().items()}
PLAN = a_plan(2)
STORY = brought(PLAN, Phase.DONE)
EVENTS_SO_FAR = [e.Planned(NOON, PLAN), *STORY]
ROLLOUT = given(PLAN, STORY)
LISTED = ListedGroup(WEB.arn, WEB.name, WEB.port, WEB.protocol, WEB.target_type, a_survey().members[WEB.arn])
HELD = next(iter(PLAN.targets[0].registrations))
HEADER = RolloutHeader(PLAN.rollout, "shop", (a_group().arn,), NOON, None, "kim")
DRIVER = Driver(Owner("kim", "here", 1, 1, "boot"), Liveness.ALIVE)
CARRIED = {t(PLAN): CarriedRelease("v2", PLAN.rollout, Knowledge.CONFIRMED)}
ENDED = e.WorkEnded(NOON, ROLLOUT.key(t(PLAN)), 1, "no space left")


def printed(line: str) -> Any:
    return json.loads(line)


def plan_output() -> dict[str, Plain]:
    return plan_text.plan_data(PLAN, forecast(PLAN), ["aws elbv2 register-targets"])


TODAY: Mapping[str, Any] = {
    "groups": groups.groups_data([LISTED], LISTED.region, LISTED.account),
    "status": groups.status_data(LISTED, [(HELD, ROLLOUT)], CARRIED),
    "plan": plan_output(),
    "list": rollout_list.list_data([ListedRollout(HEADER, ROLLOUT, DRIVER), ListedRollout(HEADER, None, None)]),
    "show": event_text.summary_data(ROLLOUT),
    "logs": event_text.work_data([ENDED]),
    "report": report.data(ROLLOUT, EVENTS_SO_FAR, ["aws elbv2 register-targets"], later(80)),
}


@pytest.mark.parametrize("name", list(RECORDED))
def test_outputs_of_version_1_fit_the_schemas(name: str) -> None:
    for example in RECORDED[name]:
        assert list(faults(example, SCHEMAS[name])) == []


def test_outputs_of_version_1_cover_every_table() -> None:
    of_version_1 = {name for name, fields in OUTPUTS.items() if any(field.since == 1 for field in fields)}
    assert set(RECORDED) == {*of_version_1, "lines"}
    first = {name for name, fields in LINES.items() if fields[0].since == 1}
    assert {line["event"] for line in RECORDED["lines"]} == {
        *first,
        *(record.kind for record in EVENTS.values() if record.since == 1),
    }


@pytest.mark.parametrize("name", list(RECORDED))
def test_tables_list_every_field_of_version_1(name: str) -> None:
    """A field that the table does not list would have gone missing: the schema of the output allows more fields."""
    tables = {**OUTPUTS, **LINES, **RECORDS}
    for example in RECORDED[name]:
        table = tables.get(str(example.get("event", name)))
        if table is not None:
            assert [field.name for field in table if field.since == 1] == list(example)


@pytest.mark.parametrize("name", list(TODAY))
def test_outputs_of_today_fit_the_schemas(name: str) -> None:
    assert list(faults(TODAY[name], SCHEMAS[name])) == []
    assert list(TODAY[name]) == [field.name for field in OUTPUTS[name]]


def test_lines_of_today_fit_the_schema() -> None:
    lines = [
        event_text.planned_json(plan_output(), carried_on=False),
        event_text.waiting_json(NOON.isoformat(), Reason(ReasonCode.NOTHING_IN_PROGRESS)),
        event_text.ended_json(ROLLOUT),
        event_text.missing_json(3),
        *map(event_text.event_json, [*STORY, ENDED, e.AbortAsked(NOON, "kim")]),
    ]
    assert [list(faults(printed(line), SCHEMAS["lines"])) for line in lines] == [[]] * len(lines)
    assert [printed(line)["event"] for line in lines[:4]] == ["Planned", "Waiting", "Ended", "Missing"]


def test_status_shows_a_target_that_a_rollout_holds_out() -> None:
    empty = ListedGroup(WEB.arn, WEB.name, WEB.port, WEB.protocol, WEB.target_type, ())
    data: Any = groups.status_data(empty, [(HELD, ROLLOUT)], {})
    assert (data["targets"][0]["state"], data["targets"][0]["held_by"]) == ("absent", "r-test")


def test_plan_data_has_notices_as_sentences_and_codes() -> None:
    noted = a_plan(1, kind=PlanKind.DEREGISTER)
    noted = type(noted)(**{**_fields(noted), "said": ("old words",), "notices": (_OUTAGE,)})
    data: Any = plan_text.plan_data(noted, forecast(noted), ())
    assert data["said"] == ["old words", "the floor of web0 is 0, so an outage is accepted"]
    assert data["notices"] == [{"code": "outage_accepted", "data": {"group": "web0"}}]
    assert "note     old words\nnote     the floor of web0 is 0" in plan_text.plan_text(noted, forecast(noted))


_OUTAGE = reason(PlanCode.OUTAGE_ACCEPTED, group="web0")


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


@pytest.mark.parametrize("values", [{}, {"approved": [], "more": 1}])
def test_output_refuses_other_fields(values: dict[str, Plain]) -> None:
    with pytest.raises(ValueError, match="approve has the fields approved, not"):
        output("approve", **values)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (timedelta(seconds=90), 90.0),
        (NOON, "2026-11-22T12:00:00+00:00"),
        (Phase.LEFT_OUT, "left_out"),
        ({Phase.DONE: (1, None)}, {"done": [1, None]}),
        (Reason("below_floor", (("group", "web"),)), {"code": "below_floor", "data": {"group": "web"}}),
        (
            Target(t(PLAN), "web0", "10.0.0.0", "a", ()),
            {"id": t(PLAN), "name": "web0", "address": "10.0.0.0", "zone": "a", "registrations": []},
        ),
    ],
)
def test_plain_writes_every_recorded_value(value: object, wanted: object) -> None:
    assert plain(value) == wanted


@dataclass(frozen=True)
class Unnamed:
    """A type that the wire tables do not name."""

    field: int = 1


@pytest.mark.parametrize("value", [Unnamed(), object()])
def test_plain_refuses_what_no_table_names(value: object) -> None:
    with pytest.raises(TypeError):
        plain(value)
