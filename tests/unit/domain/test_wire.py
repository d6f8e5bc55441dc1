"""Tests of the wire tables: they list every field of every recorded type."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import get_args, get_type_hints

import pytest
from tests.unit.given import NOON

from katakei.domain import events as e
from katakei.domain import wire
from katakei.domain.model import TargetId
from katakei.domain.phases import Phase
from katakei.domain.plan import Plan
from katakei.domain.reasons import Reason


def recorded_types(hint: object) -> Iterator[type]:
    """Every dataclass that a value of this annotation may hold."""
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
        if hint is not Reason:  # a reason may hold a reason
            for inner in get_type_hints(hint).values():
                yield from recorded_types(inner)
    for inner in get_args(hint):
        yield from recorded_types(inner)


RECORDED = sorted(set(recorded_types(e.Event)), key=lambda cls: cls.__name__)


@pytest.mark.parametrize("cls", RECORDED, ids=lambda cls: cls.__name__)
def test_table_lists_every_field_of_a_recorded_type(cls: type) -> None:
    record = wire.record_of(cls)
    assert record is not None
    assert [field.attribute for field in record.fields] == [field.name for field in fields(cls)]


def test_every_event_has_its_own_kind() -> None:
    assert set(wire.EVENTS) == set(get_args(e.Event))
    assert len({record.kind for record in wire.EVENTS.values()}) == len(wire.EVENTS)


def test_kind_is_independent_of_the_class_name() -> None:
    assert wire.EVENTS[e.OwnerChanged].kind == "Taken"
    assert wire.EVENTS[e.PhaseChanged].kind == "Moved"


def test_record_parses_attribute_name_and_version() -> None:
    row = wire.record("Kind", "plain renamed=short late@2 both=b@3")
    assert [(field.attribute, field.name, field.since) for field in row.fields] == [
        ("plain", "plain", 1),
        ("renamed", "short", 1),
        ("late", "late", 2),
        ("both", "b", 3),
    ]


def test_unrecorded_type_has_no_record() -> None:
    assert wire.record_of(int) is None
    assert wire.record_of(Plan) is not None
    assert wire.kind_of(e.Finished.__new__(e.Finished)) == "Finished"


def test_event_without_late_fields_needs_version_1() -> None:
    assert wire.version_needed(e.PauseAsked(NOON, "kim")) == 1
    assert wire.version_needed(e.PhaseChanged(NOON, TargetId("i-1"), Phase.OUT)) == 1


def test_event_with_late_field_needs_its_version() -> None:
    changed = e.PhaseChanged(NOON, TargetId("i-1"), Phase.LEFT_OUT, reason=Reason("work_failed", (("exit", 3),)))
    assert wire.version_needed(changed) == 2
    assert changed.reason is not None
    assert changed.reason.value("exit") == 3
