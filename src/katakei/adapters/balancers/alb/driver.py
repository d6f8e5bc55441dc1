"""The AWS Application Load Balancer (ELBv2): looks, registrations and their way back. It decides and waits for nothing.

What a call meant is only known by a later look: ELBv2 answers success also where it did nothing (docs/aws.md 2).
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from katakei.adapters.balancers.alb import naming
from katakei.adapters.balancers.alb.acts import MOST, Act, Acts, descriptions
from katakei.adapters.balancers.alb.door import Door
from katakei.adapters.balancers.alb.elsewhere import elsewhere
from katakei.adapters.balancers.alb.group import read_group
from katakei.adapters.balancers.alb.listing import Listing
from katakei.adapters.balancers.alb.reading import registration, seen
from katakei.adapters.balancers.alb.survey import AT_ONCE, Survey, chunks, together
from katakei.domain.errors import TemporarilyUnavailableError, UnknownGroupError
from katakei.domain.model import Arn, Group, Registration, Target
from katakei.domain.observation import GroupObservation, HealthState, RegistrationHealth
from katakei.domain.ports import Clock, GroupMember, ListedGroup

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import TargetGroupTypeDef

FRESH = timedelta(seconds=2)
"""How old a listing may be that is handed out again: the least time between two looks at a group."""


class AlbBalancer:
    """The target groups of one account and region. Keeps the promises `Balancer` and `Lister`, from several threads.

    `region` and `profile` None: as the environment and the AWS configuration say; endpoints and credentials always
    come from there. Any method and property may raise UsageFault (no region, no such profile or group), Unreachable
    (credentials missing, expired or without a right; no way to AWS) and Unseen (throttled, 5xx, timed out).
    A call takes 8 s at most once it has begun: 3 to connect, 5 to answer.
    """

    def __init__(self, region: str | None, profile: str | None, clock: Clock) -> None:
        self._door = Door(region, profile, clock)
        self._clock = clock
        self._survey = Survey(self._door, clock)
        self._acts = Acts(self._door, clock)
        self._known: dict[Arn, TargetGroupTypeDef] = {}  # read only for what never changes: the VPC and the type
        self._listed: dict[Arn, Listing] = {}

    @property
    def region(self) -> str:
        """The region asked."""
        return self._door.region

    @property
    def account(self) -> str:
        """The account these credentials belong to, as its target groups' ARNs say; only without any is STS asked."""
        arn = next(iter(self._known), None) or next((raw["TargetGroupArn"] for raw in self._survey.some()), None)
        if arn is not None:
            return arn.split(":")[4]
        return self._door.sts("GetCallerIdentity", lambda sts: sts.get_caller_identity())["Account"]

    @property
    def lab(self) -> bool:
        """Whether ELBv2 is asked on this very machine: then a short settle harms nobody."""
        return self._door.lab

    def groups(self, names: Sequence[str]) -> Sequence[Group]:
        """The groups of these names or ARNs, in that order, each once; all when `names` is empty."""
        raws = naming.find(self._survey, names, self.region)
        self._known.update({Arn(raw["TargetGroupArn"]): raw for raw in raws})
        with ThreadPoolExecutor(3, "alb") as pool:  # three ways of two round trips, instead of six one after the other
            attributes = pool.submit(lambda: together(lambda raw: self._survey.attributes(raw["TargetGroupArn"]), raws))
            balancers = pool.submit(
                lambda: self._survey.balancers({arn for raw in raws for arn in raw.get("LoadBalancerArns", [])})
            )
            listings = self._survey.listings(raws)
        self._listed.update({Arn(listing.raw["TargetGroupArn"]): listing for listing in listings})
        return tuple(
            read_group(raw, of, [balancers.result()[arn] for arn in raw.get("LoadBalancerArns", [])], listing)
            for raw, of, listing in zip(raws, attributes.result(), listings, strict=True)
        )

    def listed(self, names: Sequence[str]) -> Sequence[ListedGroup]:
        """As few calls as will do: the groups, a list for each, and the instances behind.

        What an ARN's group lists is asked while the group itself is looked up, since that is a whole round trip.
        """
        region = self.region
        with ThreadPoolExecutor(AT_ONCE, "alb") as pool:
            early = {arn: pool.submit(self._survey.health, arn) for arn in naming.arns(names, region)}
            raws = naming.find(self._survey, names, region)
            self._known.update({Arn(raw["TargetGroupArn"]): raw for raw in raws})
            return tuple(listing.listed for listing in self._survey.listings(raws, early))

    def members(self, group: Group) -> Sequence[GroupMember]:
        """Everything the group lists. What EC2 does not know as an instance is called by its id in the group.

        The listing that `groups` read is handed out once, if it is not older than a look may be; every member says
        when it was seen.
        """
        listing = self._listed.pop(group.arn, None)
        if listing is None or self._clock.now() - listing.health.begun > FRESH:
            listing = self._survey.listings([self._raw(group.arn)])[0]
        return listing.members

    def elsewhere(self, targets: Sequence[Target]) -> Sequence[Registration]:
        """Registrations of these machines, by id or any of their IPs, in groups where `targets` shows none."""
        return elsewhere(self._survey, targets)

    def look(self, group: Arn, only: frozenset[Registration] | None) -> GroupObservation:
        """One look. A whole one names registrations as ELBv2 lists them, the other one exactly as they were asked.

        More than one call may name are looked at whole. A zone is asked for only where one is recorded, since ELBv2
        hides a target that is asked with another zone.
        """
        if only is not None and not only:
            return GroupObservation({})
        few = only if only and len(only) <= MOST else None
        try:
            health = self._survey.health(group, descriptions(few) if few else None)
        except UnknownGroupError:
            self._of_its_account(group)
            raise
        listed = {
            registration(group, entry["Target"]): seen(entry, health.begun, health.ended) for entry in health.entries
        }
        if few is None:
            return GroupObservation(listed, health.begun)
        absent = RegistrationHealth(HealthState.ABSENT, health.begun, health.ended)
        doors: dict[tuple[str, int], list[Registration]] = {}
        for one in listed:
            doors.setdefault((one.id, one.port), []).append(one)
        return GroupObservation(
            {place: _shown(place, listed, doors.get((place.id, place.port), ())) or absent for place in few}
        )

    def deregister(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        """No call begins after `by`. What is not registered is no error."""
        self._listed.pop(group, None)
        self._acts.carry_out(Act.DEREGISTER, group, what, by)

    def register(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        """No call begins after `by`. Raises Rejected: its `which` names those that were refused, and only those."""
        self._listed.pop(group, None)
        self._acts.carry_out(Act.REGISTER, group, what, by)

    def restore_lines(self, registrations: Sequence[Registration]) -> Sequence[str]:
        """Lines for a POSIX shell, one per group (and per 200 targets), in the order given."""
        groups: dict[Arn, list[Registration]] = {}
        for place in registrations:
            groups.setdefault(place.group, []).append(place)
        return tuple(_restore(arn, few) for arn, places in groups.items() for few in chunks(places, MOST))

    def _of_its_account(self, group: Arn) -> None:
        """A group is believed to be gone only by credentials of its account: renewed ones may be of another."""
        account = self._door.sts("GetCallerIdentity", lambda sts: sts.get_caller_identity())["Account"]
        if account != group.split(":")[4]:
            raise TemporarilyUnavailableError(
                f"these credentials belong to account {account}, not to that of {group}: give others"
            )

    def _raw(self, arn: Arn) -> "TargetGroupTypeDef":
        if arn not in self._known:
            self._known[arn] = naming.find(self._survey, (arn,), self.region)[0]
        return self._known[arn]


def _shown(
    place: Registration, listed: Mapping[Registration, RegistrationHealth], same: Sequence[Registration]
) -> RegistrationHealth | None:
    """The entry of the place: its zone counts only where one was recorded, and an entry may leave it out.

    Where one address was asked with several zones, "not registered" answers one of the others.
    """
    fits = [listed[one] for one in same if place.zone is None or one.zone in {None, place.zone}]
    return min(fits, key=lambda look: look.state is HealthState.ABSENT, default=None)


def _restore(arn: Arn, places: Sequence[Registration]) -> str:
    targets = [",".join(_pairs(place)) for place in places]
    words = ["aws", "elbv2", "register-targets", "--target-group-arn", arn, "--targets", *targets]
    return shlex.join([*words, "--region", arn.split(":")[3]])


def _pairs(place: Registration) -> Iterator[str]:
    """As the aws command's shorthand syntax takes them."""
    yield f"Id={place.id}"
    if place.port:
        yield f"Port={place.port}"
    if place.zone is not None:
        yield f"AvailabilityZone={place.zone}"
