"""The users of one simulation: they abort, approve, pause, resume and revert at random, and resume at the end."""

import random
from datetime import datetime

from tests.properties.builders import seconds
from tests.properties.holds import FrozenSpan, Holds
from tests.properties.memory_journal import MemoryFreezes, MemoryJournal
from tests.properties.scenarios import Scenario
from tests.properties.simulated_aws import NOON, SimulatedAws

from katakei.domain import events as e
from katakei.domain.model import RolloutId
from katakei.domain.replay import replay

RESUME_FACTOR = 3  # users resume this many times as often as they pause


class Users:
    """All users; `rng` draws for all of them."""

    def __init__(self, scenario: Scenario, aws: SimulatedAws, store: MemoryJournal, rollout: RolloutId) -> None:
        self.rng = random.Random(f"people {scenario.seed}")  # noqa: S311 - a game, not a secret
        self._scenario, self._aws, self._store, self._id = scenario, aws, store, rollout
        self._abort = scenario.abort
        self._reverts = list(scenario.reverts)
        self._freezes = MemoryFreezes(aws.clock, store)
        self.frozen: list[FrozenSpan] = []

    @property
    def finished(self) -> bool:
        """Whether the rollout is finished; a revert opens it again."""
        events = reversed(self._store.events[self._id])
        turning = (event for event in events if isinstance(event, e.Finished | e.RevertAsked))
        return isinstance(next(turning, None), e.Finished)

    def speak(self) -> None:
        """Let users write commands, also right before a process writes."""
        if self._abort is not None and self._now >= NOON + seconds(self._abort):
            self._abort = None
            self.tell(e.AbortAsked(self._now, "berta"))
        if self._reverts and self._now >= NOON + seconds(self._reverts[0]) and not self.finished:
            self._reverts.pop(0)
            self.tell(e.RevertAsked(self._now, "dora"))
        if self._scenario.pauses:
            self._pause()
        if self._scenario.holds:
            self._hold(self._scenario.holds)
        if self.rng.random() < self._scenario.users:
            who = self.rng.choice([None, *self._aws.targets])
            self.tell(e.Approved(self._now, "anna", who))

    def wants_it_back(self) -> bool:
        """Whether a user reverted the finished rollout just now."""
        if not self._reverts:
            return False
        self._aws.clock.sleep(NOON + seconds(self._reverts.pop(0)) - self._now)
        self._aws.pass_time()
        self._store.tell(self._id, e.RevertAsked(self._now, "dora"))
        return True

    def tell(self, word: e.UserCommand) -> None:
        if not self.finished:
            self._store.tell(self._id, word)

    @property
    def _now(self) -> datetime:
        return self._aws.clock.time

    def _pause(self) -> None:
        often, home = self._scenario.pauses, self._aws.frozen
        if replay(self._store.events[self._id]).paused:
            if home or self.rng.random() < RESUME_FACTOR * often:
                self.tell(e.ResumeAsked(self._now, "carl"))
        elif not home and self.rng.random() < often:
            self.tell(e.PauseAsked(self._now, "carl"))

    def _hold(self, holds: Holds) -> None:
        if holds.freezes:
            self._freeze(holds.freezes)
        if self.rng.random() < holds.promotes:
            self.tell(e.PromoteAsked(self._now, "emil"))
        if holds.gates and not self.finished:
            self._answer(holds.answers)

    def _freeze(self, often: float) -> None:
        """Freeze a group, the service or a stranger's group, some with an end; lift it, at the latest at the end."""
        name = next((freeze.name for freeze in self._freezes.active()), None)
        home = self._aws.frozen
        if name and (home or self.rng.random() < often):
            self._freezes.unfreeze(name, "fred")
            for span in self.frozen:
                span.ended = min(span.ended or self._now, self._now)
        elif not name and not home and self.rng.random() < often:
            here = [str(arn) for arn in self._aws.group_of]
            name = self.rng.choice([*here, self._scenario.spec.service, "another service"])
            until = self._now + seconds(self.rng.uniform(5, 120)) if self.rng.random() < 0.5 else None
            self._freezes.freeze(name, "fred", "", until)
            if name != "another service":
                self.frozen.append(FrozenSpan(self._now, until))

    def _answer(self, often: float) -> None:
        """Approve, skip or deny the gates that wait, before they expire; resume what an expired gate paused."""
        rollout, home = replay(self._store.events[self._id]), self._aws.frozen
        if (rollout.paused or "").startswith("gate") and (home or self.rng.random() < often):
            self.tell(e.ResumeAsked(self._now, "gerd"))
        if rollout.holding_gates and not home and self.rng.random() < often / 10:
            self.tell(e.GateSkipped(self._now, "gerd", rollout.holding_gates[0], "known"))
        for name in rollout.asked_gates:
            expires = rollout.gates[name].expires
            if expires is None or expires <= self._now or not (home or self.rng.random() < often):
                continue
            if home or self.rng.random() < 0.6:
                self.tell(e.GateAnswered(self._now, "gerd", name, approved=True))
            elif self.rng.random() < 0.5:
                self.tell(e.GateSkipped(self._now, "gerd", name, "tested elsewhere"))
            else:
                self.tell(e.GateAnswered(self._now, "gerd", name, approved=False))
