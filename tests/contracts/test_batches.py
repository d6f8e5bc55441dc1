"""The limits of one command of Run Command. Work that is too long is rejected before a target is taken out."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contracts.workshops import BY, ByRunCommand, TurnedClock, by_run_command, job, key, prepare, target

from katakei.adapters.executors.mark import Line
from katakei.adapters.executors.ssm.batches import Start, batches, size
from katakei.adapters.executors.ssm.run_command import MAX_COMMAND_CHARACTERS
from katakei.domain.actions import Job
from katakei.domain.errors import UsageError

TOO_LONG = "#" * 60_000


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ByRunCommand]:
    with by_run_command(tmp_path, monkeypatch) as shop:
        yield shop


def _ready(number: int, run: str = "true", seconds: int = 60, value: str = "", *, alone: bool = False) -> Start:
    whom = target(number)
    env = (("KATAKEI_NAME", value),)
    line = Line(whom.id, f"r-7/{number}-update", TurnedClock().now(), env)
    return Start(key(whom, number), line, job(run, seconds, KATAKEI_NAME=value), alone)


def test_batch_has_fifty_targets_once_each() -> None:
    many = [_ready(number) for number in range(120)]
    assert [len(batch) for batch in batches(many)] == [50, 50, 20]
    same = replace(many[0], key=key(target(0), 2))
    assert [len(batch) for batch in batches([many[0], same])] == [1, 1]
    unlike = [_ready(1, "a"), _ready(2, "b"), _ready(3, "a"), _ready(4, "a", 61), _ready(5, "a", alone=True)]
    assert [len(batch) for batch in batches(unlike)] == [2, 1, 1, 1]


def test_large_values_are_spread_over_commands() -> None:
    many = [_ready(number, value="x" * 3000) for number in range(50)]
    found = list(batches(many))
    assert len(found) > 1
    assert all(size(batch) <= MAX_COMMAND_CHARACTERS for batch in found)
    assert [one for batch in found for one in batch] == many


def test_batches_yield_others_before_size_error() -> None:
    short, too_long, another = _ready(1), _ready(2, value=TOO_LONG), _ready(3)
    told = batches([short, too_long, another])
    assert next(told) == [short]
    assert next(told) == [another]
    with pytest.raises(UsageError, match="put it into a script on the target"):
        next(told)


def test_size_error_does_not_lose_sent_work(shop: ByRunCommand) -> None:
    whom, other, _ = shop.targets
    prepare(shop)
    jobs = {key(whom): (whom, job("true")), key(other): (other, job(TOO_LONG))}
    assert shop.executor.start(jobs, BY).keys() == {key(whom)}
    with pytest.raises(UsageError, match="put it into a script on the target"):
        shop.executor.start({key(other): jobs[key(other)]}, BY)


@pytest.mark.parametrize(
    "wanted",
    [
        job(TOO_LONG),
        replace(job("true"), argv=(TOO_LONG,), run=""),
        job("true", KATAKEI_NAME=TOO_LONG),
        replace(job("#" * 18_000), probe="#" * 18_000),
    ],
)
def test_fits_rejects_oversized_work_without_calls(shop: ByRunCommand, wanted: Job) -> None:
    whom = shop.targets[0]
    with pytest.raises(UsageError, match=r"more than Run Command carries \(56000\): put it into a script"):
        shop.executor.fits({key(whom): (whom, wanted)})
    assert shop.service.calls == []


@pytest.mark.parametrize("seconds", [48 * 3600 - 59, 48 * 3600, 100 * 3600])
def test_fits_rejects_work_longer_than_a_command_may_run(shop: ByRunCommand, seconds: int) -> None:
    whom = shop.targets[0]
    with pytest.raises(UsageError, match=r"longer than the 48h 00m that Run Command .* set it to 47h 59m or less"):
        shop.executor.fits({key(whom): (whom, replace(job("true"), seconds=seconds))})
    assert shop.service.calls == []


def test_work_of_the_longest_time_is_sent(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    longest = replace(job("true"), seconds=48 * 3600 - 60)
    shop.executor.fits({key(whom): (whom, longest)})
    prepare(shop)
    assert shop.executor.start({key(whom): (whom, longest)}, BY)[key(whom)]


def test_work_that_fits_is_sent(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    longest = replace(job("#" * 16_000), probe="#" * 10_000)
    shop.executor.fits({key(whom): (whom, longest)})
    prepare(shop)
    assert shop.executor.start({key(whom): (whom, longest)}, BY)[key(whom)]
