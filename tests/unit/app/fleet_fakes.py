"""A source of drivers for a fleet in tests: drivers that know where they are, and nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.unit.given import NOON

from katakei.app.fleet import AwsPlace, SessionDrivers
from katakei.domain.errors import KatakeiError
from katakei.domain.freezes import Freeze
from katakei.domain.ports import Clock, Freezes
from katakei.runtime.drivers import Site

HOME = AwsPlace(region="ap-northeast-1")


class Time(Clock):
    """Passes only when a test says so."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


class KeptFreezes:
    """The freezes of a store."""

    def __init__(self) -> None:
        self.kept: dict[str, Freeze] = {}

    def active(self) -> Sequence[Freeze]:
        return self.read()[1]

    def read(self) -> tuple[datetime, Sequence[Freeze]]:
        return NOON, list(self.kept.values())

    def freeze(self, name: str, who: str, why: str, until: datetime | None) -> Freeze:
        self.kept[name] = Freeze(name, who, why, NOON, until)
        return self.kept[name]

    def unfreeze(self, name: str, who: str) -> Freeze | None:
        del who
        return self.kept.pop(name, None)


class SomeDrivers(SessionDrivers):
    """Drivers that know where they are, and nothing else."""

    def __init__(self, place: AwsPlace, site: Site | KatakeiError) -> None:
        self.place, self._site = place, site

    @property
    def site(self) -> Site:
        if isinstance(self._site, KatakeiError):
            raise self._site
        return self._site

    def close(self) -> None:
        raise NotImplementedError


@dataclass
class Source:
    """Makes drivers, and notes for which places AWS was asked."""

    home: AwsPlace = HOME
    clock: Time = field(default_factory=Time)
    sites: dict[AwsPlace, Site | KatakeiError] = field(default_factory=dict)
    freezes: Freezes = field(default_factory=KeptFreezes)
    made: list[AwsPlace] = field(default_factory=list)

    def drivers(self, place: AwsPlace) -> SomeDrivers:
        self.made.append(place)
        return SomeDrivers(  # type: ignore[abstract]  # these tests drive nothing
            place, self.sites.get(place, Site("123456789012", place.region or "", lab=False))
        )

    def session_drivers(self, place: AwsPlace) -> SomeDrivers:
        return self.drivers(place)

    def add_freezes(self, more: Callable[[Freezes], Freezes]) -> None:
        self.freezes = more(self.freezes)
