"""The rule without sockets: its limits to the millisecond, and that no grouping can hide a connection."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from katakei.adapters.probes.connection_counts import (
    Alike,
    ConnectionState,
    Count,
    Mode,
    Source,
    Terms,
    classify,
    judge_count,
)
from katakei.domain.observation import ProbeVerdict
from katakei.domain.spec import DrainUntil

MS = timedelta(milliseconds=1)
TERMS = Terms(DrainUntil.PROOF, 5000 * MS, 65_000 * MS, http1=True)
ANSWERED = replace(TERMS, until=DrainUntil.ANSWERED)
IDLE = Alike(
    "ESTAB", unread=False, unsent=False, sent=True, answered_last=True, number=1, youngest=6000 * MS, oldest=6000 * MS
)


def _count(*alike: Alike, source: Source = Source.SS) -> Count:
    return Count(Mode.QUIET, source, timedelta(), timedelta(seconds=1), alike)


@pytest.mark.parametrize(
    ("alike", "standing"),
    [
        (IDLE, ConnectionState.ANSWERED),
        (replace(IDLE, youngest=5000 * MS), ConnectionState.ANSWERED),
        (replace(IDLE, youngest=4999 * MS), ConnectionState.BUSY),
        (replace(IDLE, youngest=65_000 * MS), ConnectionState.ANSWERED),
        (replace(IDLE, youngest=65_001 * MS), ConnectionState.PROVED),
        (replace(IDLE, answered_last=False), ConnectionState.BUSY),
        (replace(IDLE, sent=False), ConnectionState.BUSY),
        (replace(IDLE, unread=True), ConnectionState.BUSY),
        (replace(IDLE, unsent=True), ConnectionState.BUSY),
        (replace(IDLE, sent=False, answered_last=False, unsent=True, youngest=65_001 * MS), ConnectionState.PROVED),
    ],
)
def test_classify_gives_proved_answered_or_busy(alike: Alike, standing: ConnectionState) -> None:
    assert classify(alike, TERMS) is standing


def test_answered_counts_for_plain_http1_only() -> None:
    other = replace(ANSWERED, http1=False)
    assert classify(IDLE, other) is ConnectionState.BUSY
    assert judge_count(_count(IDLE), other).verdict is ProbeVerdict.BUSY
    assert judge_count(_count(IDLE), ANSWERED).verdict is ProbeVerdict.QUIET
    assert judge_count(_count(IDLE), TERMS).verdict is ProbeVerdict.BUSY


def test_busy_reason_names_number_oldest_and_limit() -> None:
    young = replace(IDLE, number=2, youngest=1000 * MS, oldest=41_700 * MS)
    said = judge_count(_count(young, replace(IDLE, youngest=9000 * MS, oldest=9000 * MS)), TERMS)
    assert said.why == "3 connections, one silent for 41 s, proved at 65 s"
    assert said.open == 3


_AGES = st.integers(0, 70_000).map(lambda age: age * MS)
_ONE = st.builds(
    Alike,
    st.sampled_from(["ESTAB", "CLOSE-WAIT"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.just(1),
    _AGES,
    _AGES,
).map(lambda one: replace(one, oldest=one.youngest))
_KEYS = ("state", "unread", "unsent", "sent", "answered_last")


@given(st.lists(_ONE, min_size=1, max_size=8), st.booleans(), st.sampled_from([DrainUntil.PROOF, DrainUntil.ANSWERED]))
def test_group_is_never_quieter_than_its_members(
    ones: list[Alike],
    http1: bool,  # noqa: FBT001 - drawn, not called
    until: DrainUntil,
) -> None:
    terms = Terms(until, 5000 * MS, 65_000 * MS, http1)
    together: dict[tuple[object, ...], Alike] = {}
    for one in ones:
        key = tuple(getattr(one, name) for name in _KEYS)
        last = together.get(key)
        together[key] = (
            one
            if last is None
            else replace(
                last,
                number=last.number + 1,
                youngest=min(last.youngest, one.youngest),
                oldest=max(last.oldest, one.oldest),
            )
        )
    alone = [judge_count(_count(one), terms).verdict for one in ones]
    grouped = judge_count(_count(*together.values()), terms)
    assert (grouped.verdict is ProbeVerdict.QUIET) <= all(each is ProbeVerdict.QUIET for each in alone)
    assert grouped.open <= len(ones)
