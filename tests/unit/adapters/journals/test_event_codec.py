"""Events as JSON and back: exactly, readably, and never by guessing."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import pytest
from hypothesis import HealthCheck as Health
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts.ledgers import NOON, planned

from katakei.adapters.journals.event_codec import coder, decode, encode
from katakei.adapters.journals.timestamps import duration, moment, sortable, span
from katakei.domain import events as e
from katakei.domain.errors import UnreachableError
from katakei.domain.model import Arn, TargetId
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.reasons import Reason

TEXT = st.text(st.characters(exclude_categories=[])) | st.sampled_from(["\ud83d", "\x00", "片系", '"\\\n'])
MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=9)), timezone(-timedelta(seconds=1))]))
st.register_type_strategy(str, TEXT)
st.register_type_strategy(datetime, MOMENTS)
FACTS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
REASONS = st.recursive(
    st.builds(Reason, TEXT, st.dictionaries(TEXT, FACTS, max_size=3).map(lambda facts: tuple(facts.items()))),
    lambda inner: st.builds(
        Reason,
        TEXT,
        st.dictionaries(TEXT, inner | st.lists(FACTS).map(tuple), max_size=2).map(lambda d: tuple(d.items())),
    ),
    max_leaves=3,
)
st.register_type_strategy(Reason, REASONS)
KINDS = get_args(e.Event)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
@settings(max_examples=40, deadline=None, suppress_health_check=[Health.too_slow, Health.data_too_large])
@given(data=st.data())
def test_decode_restores_every_event(kind: type[e.Event], data: st.DataObject) -> None:
    event = data.draw(st.from_type(kind))
    back = decode(encode(event))
    assert back == event
    assert encode(back) == encode(event)


def test_encode_writes_readable_text() -> None:
    moved = e.PhaseChanged(NOON, TargetId("i-1"), Phase.LEFT_OUT, "片 broke", Intent.KEEP_OUT, Cause.FLOOR_LOST)
    assert encode(moved) == (
        '{"kind": "Moved", "at": "2026-11-22T12:00:00+00:00", "target": "i-1", "to": "left_out", '
        '"why": "片 broke", "intent": "keep_out", "cause": "floor lost"}'
    )
    assert '"delay": "PT300S"' in encode(planned())
    assert '"floors": {"arn:' in encode(planned())


def test_decode_accepts_missing_late_field() -> None:
    older = json.loads(encode(planned()))
    del older["plan"]["said"]
    assert decode(json.dumps(older)) == planned()


def test_decode_refuses_newer_version() -> None:
    newer = json.loads(encode(planned()))
    newer["plan"] |= {"versions": {"katakei": "9.0", "events": str(e.VERSION + 1)}, "unacknowledged": "of"}
    with pytest.raises(UnreachableError, match=r"rollout r-one was written by a newer Katakei .* nothing was changed"):
        decode(json.dumps(newer))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"kind": "Paused", "at": "2026-11-22T12:00:00+00:00"}', "its kind 'Paused' is unknown"),
        ('{"at": "2026-11-22T12:00:00+00:00"}', "its kind 'none' is unknown"),
        ('{"kind": "Finished"}', "Finished does not fit: at"),
        ('{"kind": "Finished", "at": "2026-11-22T12:00:00+00:00", "how": 1}', "Finished does not fit: how"),
        ('{"kind": "Finished", "at": "2026-11-22T12:00:00"}', "has no time zone"),
        ('{"kind": "Finished", "at": 5}', "cannot be read"),
        ('{"kind": "SeenOut", "at": "2026-11-22T12:00:00+00:00", "target": 5}', "5 is not str"),
        (
            '{"kind": "Moved", "at": "2026-11-22T12:00:00+00:00", "target": "i", "to": "up"}',
            "'up' is not a valid Phase",
        ),
        ('{"kind": ["x"]}', "cannot be read"),
        ("[]", "cannot be read"),
        ("null", "cannot be read"),
        ("{", "cannot be read"),
    ],
)
def test_decode_refuses_unknown_with_advice(text: str, said: str) -> None:
    with pytest.raises(UnreachableError, match="use the version of Katakei that wrote it") as refusal:
        decode(text)
    assert said in str(refusal.value)


def test_decode_refuses_true_as_number() -> None:
    with pytest.raises(TypeError, match="True is not int"):
        coder(int).write(True)


@pytest.mark.parametrize("hint", [bytes, set[str], int | str, dict[str, str]])
def test_coder_refuses_unknown_type(hint: object) -> None:
    with pytest.raises(TypeError, match="no way to"):
        coder(hint)


def test_iso_refuses_naive_moment() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        encode(e.Finished(datetime(2026, 11, 22, 12)))  # noqa: DTZ001 - the very thing refused


@given(st.timedeltas())
def test_span_restores_every_duration(length: timedelta) -> None:
    assert span(duration(length)) == length


@pytest.mark.parametrize("text", ["300", "P1D", "PT", "PT1.5S", "PT1S ", "PT-1S"])
def test_span_refuses_other_formats(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        span(text)


@given(st.lists(st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC)), min_size=2))  # noqa: DTZ001 - hypothesis wants it naive
def test_sortable_moments_sort_as_text(moments: list[datetime]) -> None:
    assert [moment(text) for text in sorted(map(sortable, moments))] == sorted(moments)


def test_mapping_keeps_its_arns() -> None:
    back = decode(encode(planned()))
    assert isinstance(back, e.Planned)
    assert set(back.plan.floors) == {Arn(group.arn) for group in back.plan.groups}


def test_decode_restores_reason() -> None:
    inner = Reason("probe_busy", (("connections", 2), ("ports", (80, 443))))
    held = Reason("held", (("why", inner), ("waited", 1.5), ("name", None)))
    changed = e.PhaseChanged(NOON, TargetId("i"), Phase.LEFT_OUT, reason=held)
    assert decode(encode(changed)) == changed


def test_encode_omits_late_field_with_default() -> None:
    changed = e.PhaseChanged(NOON, TargetId("i"), Phase.OUT)
    assert "reason" not in json.loads(encode(changed))


def test_decode_refuses_reason_with_unknown_part() -> None:
    text = encode(e.PhaseChanged(NOON, TargetId("i"), Phase.OUT, reason=Reason("held")))
    with pytest.raises(UnreachableError, match="a reason has a code and data"):
        decode(text.replace('"data"', '"facts"'))
