"""The opening hours of a gate at a moment: whether they are open, and when they open next.

They are hours of the wall clock of a time zone. An hour that the zone skips in spring is not there, and one that it
repeats in autumn is open twice.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from katakei.domain.freezes import FreezeReading
from katakei.domain.gate_conditions import Hours, OpenHours
from katakei.domain.gates import GateReading, GateVerdict
from katakei.domain.reasons import ReasonCode, reason

DAY = 24 * 60
"""Minutes."""
AHEAD = 9
"""Days in which hours that open every week have opened again, also where a zone skips some of them."""


def hours_reading(hours: Hours, reading: FreezeReading) -> GateReading:
    """What the hours say at the time of the journal's store.

    Args:
        hours: The hours of the gate.
        reading: Holds that time, and when it was read.
    """
    at = reading.store_time
    if is_open(hours, at):
        return GateReading(reading.begun, GateVerdict.PASSES)
    opens = next_opening(hours, at)
    why = reason(ReasonCode.HOURS_CLOSED, zone=hours.zone, until=opens.isoformat() if opens else None)
    return GateReading(reading.begun, GateVerdict.FAILS, why)


def is_open(hours: Hours, at: datetime) -> bool:
    """Whether the hours are open at this moment."""
    local = at.astimezone(ZoneInfo(hours.zone))
    minute = local.hour * 60 + local.minute
    return any(_covers(each, local.weekday(), minute) for each in hours.open)


def next_opening(hours: Hours, at: datetime) -> datetime | None:
    """The first moment after `at` at which the hours open; None where they do not within nine days."""
    zone, today = ZoneInfo(hours.zone), at.astimezone(ZoneInfo(hours.zone)).date()
    days = [today + timedelta(days=number) for number in range(AHEAD)]
    begins = [_at(day, each.begin, zone) for day in days for each in hours.open if day.weekday() in each.days]
    return min((begin for begin in begins if begin > at and is_open(hours, begin)), default=None)


def _covers(each: OpenHours, day: int, minute: int) -> bool:
    """Hours that end at or before the minute at which they begin go on into the next day."""
    if each.begin < each.end:
        return day in each.days and each.begin <= minute < each.end
    return (day in each.days and minute >= each.begin) or ((day - 1) % 7 in each.days and minute < each.end)


def _at(day: date, minute: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(minute // 60, minute % 60), zone).astimezone(UTC)
