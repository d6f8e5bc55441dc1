"""The lease of a rollout about to begin: kept while a person reads the plan, and given back when it ends there."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from tests.contracts.ledgers import BOTH, ID, LEDGERS, OTHER, Ledger, begun, group, owner, planned
from tests.properties.things import seconds

from katakei.adapters.journals import lease_holders
from katakei.adapters.system.clock import SystemClock
from katakei.adapters.system.process import ProcessFate
from katakei.app import manual_steps
from katakei.domain.errors import KatakeiError, LeaseHeldError, NoAnswerError, RefusedError, UnreachableError
from katakei.domain.leases import Owner
from katakei.domain.ports import Balancer, Journal, Leases
from katakei.runtime import lease_keeper, session
from katakei.runtime.drivers import Drivers

GROUPS = tuple(group(arn) for arn in sorted(BOTH))


class Nowhere:
    """A balancer that tells no lines."""

    def restore_lines(self, _places: object) -> list[str]:
        return []


@dataclass
class Small:
    """As much of a kit as is asked for before anything is driven."""

    journal: Journal
    leases: Leases
    owner: Owner = field(default_factory=owner)
    clock: SystemClock = field(default_factory=SystemClock)
    balancer: Balancer = field(default_factory=lambda: cast("Balancer", Nowhere()))
    said: list[str] = field(default_factory=list)

    def tell(self, sentence: str) -> None:
        self.said.append(sentence)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with LEDGERS["sqlite"](tmp_path) as made:
        yield made


def kit(ledger: Ledger) -> Drivers:
    return cast("Drivers", Small(ledger.journal(), ledger.leases(lambda *_: ProcessFate.UNKNOWN)))


def test_it_beats_while_a_person_reads_the_plan_and_is_free_when_they_say_no(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_keeper, "HEARTBEAT_INTERVAL", seconds(0.01))
    monkeypatch.setattr(lease_holders, "FRESH_HEARTBEAT", seconds(-60))
    rival = ledger.leases(lambda *_: ProcessFate.UNKNOWN)

    def seen() -> object:
        with pytest.raises(LeaseHeldError) as held:
            rival.take(BOTH, owner(2), OTHER)
        return held.value.silent

    def no(*_: object) -> bool:
        first = seen()
        assert any(seen() != first or threading.Event().wait(0.02) for _ in range(200))
        return False

    hold = session.acquire_lease(kit(ledger), GROUPS, ID)
    with pytest.raises(RefusedError, match="not confirmed"):
        session.begin(kit(ledger), hold, lambda: planned().plan, no)
    rival.take(BOTH, owner(2), OTHER)


def test_a_new_rollout_is_refused_when_another_was_begun_while_its_lease_was_waited_for(ledger: Ledger) -> None:
    ledger.leases().release(begun(ledger, OTHER))
    with pytest.raises(RefusedError, match="rollout r-two was begun meanwhile and is not finished"):
        manual_steps.take(kit(ledger), GROUPS, ID)
    ledger.leases(lambda *_: ProcessFate.ALIVE).take(BOTH, owner(2), OTHER)


@pytest.mark.parametrize("fault", [NoAnswerError("no answer"), UnreachableError("the disk is full")])
def test_what_was_refused_is_refused_also_where_the_lease_cannot_be_given_back(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, fault: KatakeiError
) -> None:
    def unanswered(*_: object) -> None:
        raise fault

    here = kit(ledger)
    monkeypatch.setattr(here.leases, "release", unanswered)
    with pytest.raises(RefusedError, match="not confirmed"):
        session.begin(here, session.acquire_lease(here, GROUPS, ID), lambda: planned().plan, lambda *_: False)
    begun(ledger, ID)
    with pytest.raises(RefusedError, match="was begun meanwhile and is not finished"):
        manual_steps.take(here, GROUPS, ID)
