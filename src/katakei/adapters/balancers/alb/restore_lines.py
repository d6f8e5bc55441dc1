"""The commands of the aws command line that register targets again by hand. No call is made for them."""

import shlex
from collections.abc import Iterator, Sequence

from katakei.adapters.balancers.alb.queries import chunks
from katakei.adapters.balancers.alb.registration_changes import MAX_TARGETS
from katakei.domain.model import Arn, Registration


def restore_lines(registrations: Sequence[Registration]) -> tuple[str, ...]:
    """Lines for a POSIX shell, one per group (and per 200 targets), in the order given."""
    groups: dict[Arn, list[Registration]] = {}
    for place in registrations:
        groups.setdefault(place.group, []).append(place)
    return tuple(_restore_line(arn, few) for arn, places in groups.items() for few in chunks(places, MAX_TARGETS))


def _restore_line(arn: Arn, places: Sequence[Registration]) -> str:
    targets = [",".join(_shorthand(place)) for place in places]
    words = ["aws", "elbv2", "register-targets", "--target-group-arn", arn, "--targets", *targets]
    return shlex.join([*words, "--region", arn.split(":")[3]])


def _shorthand(place: Registration) -> Iterator[str]:
    """The target in the shorthand syntax of the aws command."""
    yield f"Id={place.id}"
    if place.port:
        yield f"Port={place.port}"
    if place.zone is not None:
        yield f"AvailabilityZone={place.zone}"
