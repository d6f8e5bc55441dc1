"""Tests of the reference: every key, command, option, exit code and event is on its page."""

import re

import click
import pytest
from tests.project import reference
from tests.project.reference import DOCS, every_command, keys

from katakei.config import schema, service_schema
from katakei.config.key_meanings import MEANINGS
from katakei.domain.errors import ExitCode
from katakei.domain.wire import EVENTS

SCHEMAS = {"katakei.yml": schema.schema(), "a service file": service_schema.schema()}
HOW = "write its meaning into config/key_meanings.py, then run `make docs`"


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def sections(page: str) -> dict[str, str]:
    """The text below each heading of the second level."""
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_every_key_has_a_meaning(name: str) -> None:
    missing = [f"{section}.{key}" for section, key, value in keys(SCHEMAS[name]) if not value.get("description")]
    assert not missing, HOW


def test_every_meaning_belongs_to_a_key() -> None:
    known = {(section, key) for each in SCHEMAS.values() for section, key, _ in keys(each)}
    assert not {(section, key) for section, rows in MEANINGS.items() for key in rows} - known


def test_meanings_are_sentences() -> None:
    wrong = [text for rows in MEANINGS.values() for text in rows.values() if not re.fullmatch(r"[A-Z0-9`].*\.", text)]
    assert not wrong


def test_configuration_page_has_every_key() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| ([^|]+) \|", text("configuration.md"), re.MULTILINE)
    assert len(rows) == len({path for path, _ in rows})
    counted = [(section, key) for section, key, _ in keys(SCHEMAS["a service file"])]
    assert len(rows) == len(counted)
    assert dict(rows)["drain.settle"].strip() == "duration"
    assert dict(rows)["limits.draining"].strip() == "duration"
    assert dict(rows)["window.floor_per_zone"].strip() == "number, at least 0"


@pytest.mark.parametrize("name", ["commands.md", "ja/commands.md"])
def test_commands_page_has_every_command_and_option(name: str) -> None:
    found = sections(text(name))
    assert list(found) == [f"katakei {' '.join(path)}" for path, _ in every_command()]
    for path, command in every_command():
        page = found[f"katakei {' '.join(path)}"]
        options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
        missing = [option for each in options for option in each.opts if not re.search(rf"`.*{option}\b.*` \|", page)]
        assert not missing, path


@pytest.mark.parametrize("name", ["exit-codes.md", "ja/exit-codes.md"])
def test_exit_codes_page_has_every_code(name: str) -> None:
    assert [int(code) for code in re.findall(r"^\| `(\d+)` \| .+ \|$", text(name), re.MULTILINE)] == sorted(ExitCode)
    assert set(reference.EXIT_CODES) == set(ExitCode)


def test_events_page_has_every_event_with_its_fields() -> None:
    found = sections(text("events.md"))
    assert set(found) == {record.kind for record in EVENTS.values()}
    for record in EVENTS.values():
        assert not [field.name for field in record.fields if f"`{field.name}`" not in found[record.kind]]
