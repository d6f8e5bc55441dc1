"""Tests of the JSON Schemas: recorded journals fit them, and what does not fit is found."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.project.draw import drawings
from tests.project.schemas import FOLDER, documents, schemas
from tests.unit.given import NOON, a_plan
from tests.unit.json_schema import faults

from katakei.adapters.journals.event_codec import encode
from katakei.domain import events as e
from katakei.domain.wire import EVENTS

RECORDED = Path(__file__).parents[1] / "unit" / "adapters" / "journals" / "recorded"
KINDS: dict[str, dict[str, list[str]]] = {
    path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(RECORDED.glob("*/kinds.json"))
}
JOURNAL = schemas()["journal-events.schema.json"]


def test_folder_holds_exactly_the_drawn_schemas() -> None:
    assert set(FOLDER.iterdir()) == set(documents())
    assert set(documents()) <= set(drawings())


@pytest.mark.parametrize(("version", "kind"), [(version, kind) for version, kinds in KINDS.items() for kind in kinds])
def test_recorded_events_fit_the_journal_schema(version: str, kind: str) -> None:
    for line in KINDS[version][kind]:
        assert list(faults(json.loads(line), JOURNAL)) == []


def test_recorded_events_cover_every_kind() -> None:
    assert set(KINDS[f"events-{e.VERSION}"]) == {record.kind for record in EVENTS.values()}


def test_events_of_today_fit_the_journal_schema() -> None:
    assert list(faults(json.loads(encode(e.Planned(NOON, a_plan()))), JOURNAL)) == []


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"kind": "Paused"}, "is 'Paused'"),
        ({"by": 7}, "$.by is 7, not string"),
        ({"more": 1}, "$.more is not a field"),
    ],
)
def test_schema_finds_what_does_not_fit(changed: dict[str, Any], fault: str) -> None:
    event = {**json.loads(encode(e.AbortAsked(NOON, "kim"))), **changed}
    (found,) = faults(event, JOURNAL)
    assert fault in found


def test_schema_finds_a_field_that_is_missing() -> None:
    event = json.loads(encode(e.AbortAsked(NOON, "kim")))
    del event["by"]
    assert list(faults(event, JOURNAL["$defs"]["AbortAsked"], JOURNAL)) == ["$.by is missing"]
    assert list(faults(event, JOURNAL))
