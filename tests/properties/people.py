"""The people of one play: they abort, approve, pause, resume and revert when they like, and at last let it go on."""

import random
from datetime import datetime

from tests.properties.paper import Paper
from tests.properties.settings import Setting
from tests.properties.things import seconds
from tests.properties.world import NOON, SmallWorld

from katakei.domain import events as e
from katakei.domain.model import RolloutId
from katakei.domain.replay import replay

OFTENER = 3  # than somebody pauses, somebody lets it go on


class People:
    """Each with a voice of its own; `talk` is the dice of them all."""

    def __init__(self, setting: Setting, world: SmallWorld, paper: Paper, rollout: RolloutId) -> None:
        self.talk = random.Random(f"people {setting.seed}")  # noqa: S311 - a game, not a secret
        self._setting, self._world, self._paper, self._id = setting, world, paper, rollout
        self._abort = setting.abort
        self._reverts = list(setting.reverts)

    @property
    def finished(self) -> bool:
        """What was finished is open again once somebody wants it back."""
        events = reversed(self._paper.events[self._id])
        turning = (event for event in events if isinstance(event, e.Finished | e.RevertAsked))
        return isinstance(next(turning, None), e.Finished)

    def speak(self) -> None:
        """Also in the very moment in which a process writes."""
        if self._abort is not None and self._now >= NOON + seconds(self._abort):
            self._abort = None
            self.tell(e.AbortAsked(self._now, "berta"))
        if self._reverts and self._now >= NOON + seconds(self._reverts[0]) and not self.finished:
            self._reverts.pop(0)
            self.tell(e.RevertAsked(self._now, "dora"))
        if self._setting.pauses:
            self._pause()
        if self.talk.random() < self._setting.people:
            who = self.talk.choice([None, *self._world.targets])
            self.tell(e.Approved(self._now, "anna", who))

    def wants_it_back(self) -> bool:
        """Somebody does, of what had come to its end, and has said so."""
        if not self._reverts:
            return False
        self._world.clock.sleep(NOON + seconds(self._reverts.pop(0)) - self._now)
        self._world.pass_time()
        self._paper.tell(self._id, e.RevertAsked(self._now, "dora"))
        return True

    def tell(self, word: e.UserCommand) -> None:
        if not self.finished:
            self._paper.tell(self._id, word)

    @property
    def _now(self) -> datetime:
        return self._world.clock.time

    def _pause(self) -> None:
        often, home = self._setting.pauses, self._world.frozen
        if replay(self._paper.events[self._id]).paused:
            if home or self.talk.random() < OFTENER * often:
                self.tell(e.ResumeAsked(self._now, "carl"))
        elif not home and self.talk.random() < often:
            self.tell(e.PauseAsked(self._now, "carl"))
