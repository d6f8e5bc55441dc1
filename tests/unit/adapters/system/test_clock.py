"""The clock of one process never jumps, whatever is done to the clock on the wall."""

from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from katakei.adapters.system import clock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Wall(datetime):
    """A clock on the wall that somebody turns."""

    turned = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # a plain moment will do
        return (NOON + cls.turned).astimezone(tz)


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
def test_stepped_wall_clock_moves_no_time(by: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "datetime", Wall)
    ours = clock.SystemClock()
    begun = ours.now()

    monkeypatch.setattr(Wall, "turned", by)

    assert begun - NOON < timedelta(seconds=1)
    assert timedelta() <= ours.now() - begun < timedelta(seconds=1)
