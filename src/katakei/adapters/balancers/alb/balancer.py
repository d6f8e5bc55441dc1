"""The balancer `AlbBalancer`: observations and registrations of ELBv2 target groups. It never decides or waits.

ELBv2 also answers success where it did nothing, so only a later observation tells what a call did (docs/aws.md 2).
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from katakei.adapters.aws import STS, AwsSession
from katakei.adapters.balancers.alb.group_attributes import read_group
from katakei.adapters.balancers.alb.group_search import arns_in, find_elsewhere, find_groups
from katakei.adapters.balancers.alb.queries import PARALLEL_CALLS, Queries, in_parallel
from katakei.adapters.balancers.alb.registration_changes import (
    MAX_TARGETS,
    Change,
    RegistrationChanges,
    target_descriptions,
)
from katakei.adapters.balancers.alb.restore_lines import restore_lines
from katakei.adapters.balancers.alb.target_health import GroupListing, read_health, read_registration
from katakei.domain.errors import TemporarilyUnavailableError, UnknownGroupError
from katakei.domain.model import Arn, Group, Registration, Target
from katakei.domain.observation import GroupObservation, HealthState, RegistrationHealth
from katakei.domain.ports import Clock, GroupMember, ListedGroup

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import TargetGroupTypeDef

MAX_LISTING_AGE = timedelta(seconds=2)
"""How old a listing may be when it is returned a second time: the least time between two observations of a group."""


class AlbBalancer:
    """The target groups of one account and region. Implements `Balancer` and `GroupReader`. Thread-safe.

    Any method and property may raise UsageError (no region, no such profile or group), UnreachableError (credentials
    that are missing, expired or not permitted; no connection to AWS) and NoAnswerError (throttled, 5xx, timed out).
    A call takes at most 8 s once it has begun: 3 s to connect, 5 s to answer.

    Args:
        aws: the session of the command; it holds the region and the credentials.
        clock: the time, for deadlines and for the moments of observations.
        tell: shows a sentence to the user while many questions take long.

    """

    def __init__(self, aws: AwsSession, clock: Clock, tell: Callable[[str], None] = lambda _sentence: None) -> None:
        self._aws, self._clock = aws, clock
        self._queries = Queries(aws, clock, tell)
        self._changes = RegistrationChanges(aws, clock)
        self._known: dict[Arn, TargetGroupTypeDef] = {}  # read only for what never changes: the VPC and the type
        self._listings: dict[Arn, GroupListing] = {}

    @property
    def region(self) -> str:
        """The region that is asked."""
        return self._aws.region

    @property
    def account(self) -> str:
        """The account of the credentials, from the ARN of any target group. STS is asked only when there is none."""
        arn = next(iter(self._known), None)
        if arn is None and (raw := self._queries.any_group()):
            arn = Arn(raw["TargetGroupArn"])
        return self._caller_account() if arn is None else arn.split(":")[4]

    @property
    def lab(self) -> bool:
        """Whether ELBv2 is served on this machine: then a short settle time harms nobody."""
        return self._aws.is_lab

    def groups(self, names: Sequence[str]) -> Sequence[Group]:
        """Returns the groups of these names or ARNs, in that order, each once; all when `names` is empty."""
        raws = find_groups(self._queries, names, self.region)
        self._remember(raws)
        with ThreadPoolExecutor(3, "alb") as pool:  # three paths of two round trips, instead of six in a row
            attributes = pool.submit(
                lambda: in_parallel(lambda raw: self._queries.attributes(raw["TargetGroupArn"]), raws)
            )
            balancers = pool.submit(
                lambda: self._queries.balancers({arn for raw in raws for arn in raw.get("LoadBalancerArns", [])})
            )
            listings = self._queries.listings(raws)
        self._listings.update({listing.arn: listing for listing in listings})
        return tuple(
            read_group(raw, of, [balancers.result()[arn] for arn in raw.get("LoadBalancerArns", [])], listing)
            for raw, of, listing in zip(raws, attributes.result(), listings, strict=True)
        )

    def listed(self, names: Sequence[str]) -> Sequence[ListedGroup]:
        """Returns the groups with their members in as few calls as possible.

        The members of a group given by ARN are asked for while the group itself is looked up: that saves a round trip.
        """
        region = self.region
        with ThreadPoolExecutor(PARALLEL_CALLS, "alb") as pool:
            started = {arn: pool.submit(self._queries.health, arn) for arn in arns_in(names, region)}
            raws = find_groups(self._queries, names, region)
            self._remember(raws)
            return tuple(listing.listed for listing in self._queries.listings(raws, started))

    def names(self) -> Sequence[str]:
        """Returns the names of all target groups of the account and region."""
        return [raw["TargetGroupName"] for raw in self._queries.all_groups()]

    def members(self, group: Group) -> Sequence[GroupMember]:
        """Returns everything the group lists. A target that EC2 does not know is named by its id in the group.

        The listing that `groups` read is returned once, if it is not too old; every member says when it was seen.
        """
        listing = self._listings.pop(group.arn, None)
        if listing is None or self._clock.now() - listing.health.begun > MAX_LISTING_AGE:
            listing = self._queries.listings([self._raw(group.arn)])[0]
        return listing.members

    def elsewhere(self, targets: Sequence[Target]) -> Sequence[Registration]:
        """Returns registrations of these machines, by id or any of their IPs, in groups where `targets` has none."""
        return find_elsewhere(self._queries, targets)

    def look(self, group: Arn, only: frozenset[Registration] | None) -> GroupObservation:
        """Observes the group.

        Args:
            group: the group.
            only: the registrations to ask for, exactly as they are given; None asks for the whole group, which is
                named as ELBv2 lists it. More than one call may name are answered by the whole group.

        """
        if only is not None and not only:
            return GroupObservation({})
        few = only if only and len(only) <= MAX_TARGETS else None
        try:
            health = self._queries.health(group, target_descriptions(few) if few else None)
        except UnknownGroupError:
            self._check_account(group)
            raise
        listed = {
            read_registration(group, entry["Target"]): read_health(entry, health.begun, health.ended)
            for entry in health.entries
        }
        if few is None:
            return GroupObservation(listed, health.begun)
        absent = RegistrationHealth(HealthState.ABSENT, health.begun, health.ended)
        by_door: dict[tuple[str, int], list[Registration]] = {}
        for one in listed:
            by_door.setdefault((one.id, one.port), []).append(one)
        return GroupObservation(
            {place: _shown(place, listed, by_door.get((place.id, place.port), ())) or absent for place in few}
        )

    def deregister(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        """Deregisters; no call begins after `by`. A registration that does not exist is no error."""
        self._listings.pop(group, None)
        self._changes.apply(Change.DEREGISTER, group, what, by)

    def register(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        """Registers; no call begins after `by`. Raises RejectedError: its `which` names exactly the refused ones."""
        self._listings.pop(group, None)
        self._changes.apply(Change.REGISTER, group, what, by)

    def prove_rights(self, group: Arn, listed: Sequence[Registration], by: timedelta) -> None:
        """Proves that both changing calls are permitted; no registration changes. Raises UnreachableError."""
        self._changes.prove_rights(group, listed, by)

    def restore_lines(self, registrations: Sequence[Registration]) -> Sequence[str]:
        """Returns lines for a POSIX shell, one per group (and per 200 targets), in the order given."""
        return restore_lines(registrations)

    def _check_account(self, group: Arn) -> None:
        """Only credentials of the group's own account can say that it is gone; renewed ones may be of another."""
        account = self._caller_account()
        if account != group.split(":")[4]:
            raise TemporarilyUnavailableError(
                f"these credentials belong to account {account}, not to that of {group}: give others"
            )

    def _caller_account(self) -> str:
        return self._aws.call(STS, "GetCallerIdentity", lambda sts: sts.get_caller_identity())["Account"]

    def _remember(self, raws: "Sequence[TargetGroupTypeDef]") -> None:
        self._known.update({Arn(raw["TargetGroupArn"]): raw for raw in raws})

    def _raw(self, arn: Arn) -> "TargetGroupTypeDef":
        if arn not in self._known:
            self._known[arn] = find_groups(self._queries, (arn,), self.region)[0]
        return self._known[arn]


def _shown(
    place: Registration, listed: Mapping[Registration, RegistrationHealth], same: Sequence[Registration]
) -> RegistrationHealth | None:
    """The entry for `place` among those of its id and port; None when there is none.

    The zone counts only where one was recorded, because ELBv2 hides a target that is asked for with another zone. An
    entry may leave the zone out. Where one address was asked for with several zones, "not registered" answers another.
    """
    fits = [listed[one] for one in same if place.zone is None or one.zone in {None, place.zone}]
    return min(fits, key=lambda health: health.state is HealthState.ABSENT, default=None)
