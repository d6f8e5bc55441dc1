"""What the journal tells of earlier rollouts: unfinished ones, who holds a target out, how a target was registered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from katakei.domain.errors import UsageError
from katakei.domain.model import Arn, Registration, RolloutId, Target, TargetId
from katakei.domain.phases import IN_PROGRESS, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.ports import Journal, RolloutHeader
from katakei.domain.replay import Rollout, replay
from katakei.domain.rollout import TargetStatus
from katakei.domain.words import label, listed

DEEP = 50  # how many rollouts of a group are read back, newest first

HELD_OUT = (IN_PROGRESS - {Phase.SOAKING}) | {Phase.LEFT_OUT}


def find(journal: Journal, rollout: RolloutId) -> Rollout:
    """One rollout. UsageFault when the journal has none of this name."""
    events = journal.read(rollout, 0)
    if not events:
        newest = journal.find()[:3]
        known = f"; the newest are {', '.join(header.rollout for header in newest)}" if newest else ""
        raise UsageError(f"no rollout {rollout} in this journal{known} (see `katakei list`)")
    return replay(events)


def named(rollout: Rollout, names: Sequence[str]) -> Sequence[Target]:
    """Its targets of these ids, addresses or names, each once. UsageFault: unknown, or a name that several have."""
    found: dict[TargetId, Target] = {}
    for name in names:
        same = [target for target in rollout.targets.values() if name in {target.id, target.address, target.name}]
        if len(same) != 1:
            known = listed(label(target) for target in rollout.targets.values())
            problem = f"names {len(same)} targets" if same else "is no target"
            raise UsageError(f"{name!r} {problem} of rollout {rollout.plan.rollout}; there are: {known}")
        found[same[0].id] = same[0]
    return list(found.values())


def unfinished(journal: Journal, groups: Sequence[Arn]) -> RolloutHeader | None:
    """The newest rollout that touches one of these groups and has not been brought to its end."""
    for arn in sorted(groups):
        headers = journal.find(group=arn, unfinished=True)
        if headers:
            return headers[0]
    return None


def held_out(journal: Journal, group: Arn) -> Mapping[Registration, Rollout]:
    """What a rollout took out of this group and none has brought back since, each with that rollout.

    A step that only registers takes nothing out, not even when it fails: whoever did before it still holds the target.
    A target may be back at one port and out at another.
    """
    decided: dict[tuple[str, int], tuple[Registration, Rollout] | None] = {}
    for rollout in _of_group(journal, group):
        for place, target in rollout.owners.items():
            status = rollout.statuses.get(target)
            if place.group == group and status and _decided(rollout, status):
                held = status.phase in HELD_OUT
                decided.setdefault(place.door, (place, rollout) if held else None)
    return dict(filter(None, decided.values()))


def _decided(rollout: Rollout, status: TargetStatus) -> bool:
    """Whether it did anything to the target that says where that is now."""
    if rollout.plan.kind is PlanKind.REGISTER and status.phase is Phase.LEFT_OUT:
        return False
    return status.phase not in {Phase.WAITING, Phase.SKIPPED, Phase.GONE}


def recorded(journal: Journal, group: Arn, name: str) -> tuple[RolloutId, Target] | None:
    """The target of this id, address or name as the newest rollout of this group had it registered there.

    What a step by hand was asked to register counts only once it served.
    """
    for rollout in _of_group(journal, group):
        for target in rollout.targets.values():
            here = tuple(place for place in target.registrations if place.group == group)
            wished = rollout.plan.kind is PlanKind.REGISTER and rollout.statuses[target.id].phase is not Phase.RETURNED
            if here and not wished and name in {target.id, target.address, target.name, *(place.id for place in here)}:
                return rollout.plan.rollout, replace(target, registrations=here)
    return None


def _of_group(journal: Journal, group: Arn) -> Iterator[Rollout]:
    for header in journal.find(group=group)[:DEEP]:
        yield replay(journal.read(header.rollout, 0))
