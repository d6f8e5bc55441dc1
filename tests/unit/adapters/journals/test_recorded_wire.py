"""The frozen wire: every kind of event and every recorded type, as each version of events wrote them.

A folder `recorded/events-N` holds what version N recorded. A file there is never changed.
"""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.recording.examples import example, kinds
from tests.recording.shapes import OF_S3, changes, shapes
from tests.recording.stores import RECORDED

from katakei.adapters.journals.event_codec import decode, encode
from katakei.adapters.journals.s3.catalog import ENTRY, Entry
from katakei.adapters.journals.s3.leases import ROW, Row
from katakei.domain.events import VERSION, Event
from katakei.domain.wire import EVENTS

VERSIONS = sorted(path for path in RECORDED.iterdir() if path.is_dir())
LINES = [
    pytest.param(line, id=f"{folder.name}-{kind}-{which}")
    for folder in VERSIONS
    for kind, lines in json.loads((folder / "kinds.json").read_text(encoding="utf-8")).items()
    for which, line in zip(("full", "least"), lines, strict=True)
]


@pytest.mark.parametrize("line", LINES)
def test_an_example_of_every_kind_is_read_and_written_again(line: str) -> None:
    assert encode(decode(line)) == line


@pytest.mark.parametrize("folder", VERSIONS, ids=lambda folder: folder.name)
def test_every_kind_of_its_time_is_recorded(folder: Path) -> None:
    recorded = json.loads((folder / "kinds.json").read_text(encoding="utf-8"))
    shaped = json.loads((folder / "shapes.json").read_text(encoding="utf-8"))
    assert list(recorded) == shaped["events"]
    assert set(recorded) <= {EVENTS[kind].kind for kind in get_args(Event)}


@pytest.mark.parametrize("folder", VERSIONS, ids=lambda folder: folder.name)
def test_recorded_types_only_gain_fields_and_words(folder: Path) -> None:
    then = json.loads((folder / "shapes.json").read_text(encoding="utf-8"))
    assert not list(changes(then, shapes()))


def test_present_version_is_recorded_completely() -> None:
    """A field, kind or word that is added once a version was released belongs to the next version of events."""
    then = json.loads((RECORDED / f"events-{VERSION}" / "shapes.json").read_text(encoding="utf-8"))
    assert not list(changes(shapes(), then))


def test_every_change_of_a_recorded_type_is_found() -> None:
    then, now = shapes(), shapes()
    records: dict[str, Any] = now["records"]
    now["events"].remove("Heard")
    del records["Owner"]["boot"]
    records["Drain"]["settle"]["default"] = "PT31S"
    records["Started"]["ticket"]["type"] = "string | null"
    records["Cut"]["since"] = {"type": "moment"}
    now["enums"]["Intent"].remove("keep_out")
    assert list(changes(then, now)) == [
        "the kind Heard is gone",
        "the default of Drain.settle was 'PT30S'",
        "Owner.boot is gone",
        "Moved.intent was Intent | null",
        "Started.ticket was string",
        "Key.intent was Intent",
        "Cut.since is new and has no default",
    ]


@pytest.mark.parametrize(("cls", "coder"), [(Entry, ENTRY), (Row, ROW)], ids=["entry", "lease"])
def test_the_objects_of_s3_have_the_listed_fields(cls: type, coder: Any) -> None:
    written = coder.write(example(cls, "", full=True))
    assert list(written) == [field.name for field in OF_S3[cls].fields]
    assert [field.attribute for field in OF_S3[cls].fields] == [slot.name for slot in fields(cls)]


def test_an_example_sets_every_field() -> None:
    """Otherwise a field that is misread would go unnoticed."""
    for kind, (full, _) in kinds().items():
        assert set(json.loads(full)) - {"kind"} == set(shapes()["records"][kind])
        assert not re.search(r": (null|\[\]|\"\")[,}]", full) or kind == "Planned"
