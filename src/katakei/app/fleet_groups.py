"""The target groups of all accounts and regions of a server, and the drivers that reach each of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from katakei.app.fleet import Fleet
from katakei.app.queries import GroupList, Queries, Status, status_of
from katakei.domain.aws_place import AwsPlace
from katakei.domain.errors import KatakeiError, UnknownGroupError
from katakei.runtime.drivers import Drivers


@dataclass(frozen=True, slots=True)
class PlaceGroups:
    """The groups of one account and region.

    Attributes:
        place: The account and region.
        groups: The groups; None: they could not be read.
        trouble: Why not.
    """

    place: AwsPlace
    groups: GroupList | None
    trouble: KatakeiError | None = None


class FleetGroups:
    """Finds groups. Safe for threads."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def all(self) -> Sequence[PlaceGroups]:
        """The groups of every place. A place that does not answer hides no other."""
        return [self._of(place) for place in self._fleet.places()]

    def place_of(self, region: str, name: str) -> AwsPlace:
        """The place that has a group. Raises UnknownGroupError: none has it, or no service works in the region."""
        found = [place for place, _ in self._in(region)]
        if len(found) == 1:
            return found[0]
        for place in found:
            if name in self._fleet.drivers(place).lister.names():
                return place
        known = ", ".join(sorted({each for place in self._fleet.places() if (each := place.region)}))
        where = f"no service of this server works in region {region}" if not found else f"no group {name} in {region}"
        raise UnknownGroupError(f"{where}{f'; services work in {known}' if known and not found else ''}")

    def status(self, region: str, name: str) -> Status:
        """One group as it is now. Asks once, without retries: the caller comes again. Raises UnknownGroupError."""
        drivers = self._fleet.drivers(self.place_of(region, name))
        return status_of(drivers, drivers.lister.listed((name,))[0])

    def _in(self, region: str) -> Iterator[tuple[AwsPlace, Drivers]]:
        for place in self._fleet.places():
            drivers = self._fleet.drivers(place)
            if (place.region or drivers.site.region) == region:
                yield place, drivers

    def _of(self, place: AwsPlace) -> PlaceGroups:
        try:
            return PlaceGroups(place, Queries(self._fleet.drivers(place)).groups())
        except KatakeiError as error:
            return PlaceGroups(place, None, error)
