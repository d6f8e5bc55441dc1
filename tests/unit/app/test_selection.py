"""Tests of the choice of a rollout: what each typed word means, for commands that read and commands that tell."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.given import NOON, a_group, a_plan

from katakei.app.selection import to_read, to_tell, with_targets
from katakei.domain import events as e
from katakei.domain.errors import UsageError
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import RolloutHeader


@dataclass
class Shelf:
    """A journal of these rollouts, newest first."""

    headers: list[RolloutHeader]
    searches: list[bool] = field(default_factory=list)

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> list[RolloutHeader]:
        assert (service, group) == (None, None)
        self.searches.append(unfinished)
        return [header for header in self.headers if not (unfinished and header.finished)]

    def read(self, rollout: RolloutId, _after: int) -> list[e.Event]:
        return [e.Planned(NOON, a_plan())] if rollout in {header.rollout for header in self.headers} else []


def shelf(*rollouts: str) -> Any:
    """Rollouts as 'id group', newest first; one with a `*` is unfinished."""
    headers = []
    for number, told in enumerate(rollouts):
        name, group = told.rstrip("*").split()
        begun = NOON - timedelta(hours=number)
        finished = None if told.endswith("*") else begun
        headers.append(RolloutHeader(RolloutId(name), f"{group}-app", (a_group(group).arn,), begun, finished, "kim"))
    return Shelf(headers)


QUIET = shelf("r-abcd2345 web", "r-abxy2345 admin", "r-wwww2345 web")
ONE = shelf("r-abcd2345 web", "r-abxy2345 admin*", "r-wwww2345 web")
TWO = shelf("r-abcd2345 web*", "r-abxy2345 admin", "r-wwww2345 web*")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("r-wwww2345", "r-wwww2345"),
        ("r-w", "r-wwww2345"),
        ("last", "r-abcd2345"),
        ("web", "r-abcd2345"),
        ("admin", "r-abxy2345"),
        ("admin-app", "r-abxy2345"),
        (a_group("admin").arn, "r-abxy2345"),
    ],
)
def test_typed_word_means_the_same_to_every_command(typed: str, found: str) -> None:
    assert to_read(QUIET, typed) == found
    assert to_tell(QUIET, typed) == found
    assert to_tell(ONE, typed) == found


def test_group_means_its_unfinished_rollout_first() -> None:
    journal = shelf("r-abcd2345 web", "r-wwww2345 web*")
    assert to_read(journal, "web") == to_tell(journal, "web") == "r-wwww2345"


@pytest.mark.parametrize(
    ("rollouts", "typed", "found"),
    [
        (("r-new22222 web", "r-old22222 r-new22222"), "r-new22222", "r-new22222"),
        (("r-new22222 web", "r-old22222 r-ne"), "r-ne", "r-old22222"),
        (("r-new22222 web", "last last", "r-old22222 web"), "last", "last"),
        (("r-new22222 web", "r-old22222 last"), "last", "r-new22222"),
        (("r-odd web", "r-oddly web"), "r-odd", "r-odd"),
    ],
)
def test_id_wins_over_a_name(rollouts: tuple[str, ...], typed: str, found: str) -> None:
    assert to_read(shelf(*rollouts), typed) == found


@pytest.mark.parametrize("choose", [to_read, to_tell])
@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("r-ab", "'r-ab' is the beginning of several rollouts: r-abcd2345, r-abxy2345"),
        ("r-nosuch", "no rollout r-nosuch in this journal; the newest are r-abcd2345, r-abxy2345, r-wwww2345 ("),
        ("r-nosuch2", "no rollout r-nosuch2 in this journal"),
        ("shop", "no rollout shop in this journal"),
    ],
)
def test_unclear_word_is_refused_with_a_list(choose: Any, typed: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose(QUIET, typed)
    assert says in str(caught.value)


@pytest.mark.parametrize("nothing", [None, ""])
def test_reading_without_a_word_takes_the_unfinished_or_the_newest(nothing: str | None) -> None:
    assert to_read(QUIET, nothing) == "r-abcd2345"
    assert to_read(ONE, nothing) == "r-abxy2345"
    assert to_read(TWO, nothing) == "r-abcd2345"


def test_telling_without_a_word_takes_only_the_one_unfinished() -> None:
    assert to_tell(ONE, None) == "r-abxy2345"
    assert ONE.searches[-1] is True
    with pytest.raises(UsageError, match=r"which rollout\? 2 are not finished: r-abcd2345 .*, r-wwww2345 "):
        to_tell(TWO, None)
    with pytest.raises(UsageError, match=r"no rollout is unfinished.*r-abcd2345 \(web-app\), r-abxy2345"):
        to_tell(QUIET, None)


@pytest.mark.parametrize("choose", [to_read, to_tell])
def test_empty_journal_has_nothing_to_choose(choose: Any) -> None:
    with pytest.raises(UsageError, match="there is no rollout in this journal"):
        choose(shelf(), None)
    with pytest.raises(UsageError, match="no rollout last in this journal"):
        choose(shelf(), "last")


def test_full_id_needs_no_list_of_rollouts() -> None:
    journal = shelf("r-abcd2345 web")
    assert to_read(journal, "r-abcd2345") == "r-abcd2345"
    assert journal.searches == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), ("r-abxy2345", ())),
        (("web",), ("r-abcd2345", ())),
        (("r-w", "web0", "web1"), ("r-wwww2345", ("web0", "web1"))),
        (("web0",), ("r-abxy2345", ("web0",))),
        (("i-00000000000000001", "web0"), ("r-abxy2345", ("i-00000000000000001", "web0"))),
        (("10.0.0.1",), ("r-abxy2345", ("10.0.0.1",))),
    ],
)
def test_first_word_is_a_target_where_it_names_no_rollout(words: tuple[str, ...], found: tuple[object, ...]) -> None:
    assert with_targets(ONE, words, to_tell) == found
    assert with_targets(ONE, words, to_read) == found


def test_first_word_that_is_neither_rollout_nor_target_is_refused() -> None:
    with pytest.raises(UsageError, match="no rollout web9 in this journal"):
        with_targets(ONE, ("web9",), to_tell)
    with pytest.raises(UsageError, match="no rollout web0 in this journal"):
        with_targets(QUIET, ("web0",), to_tell)
    with pytest.raises(UsageError, match="beginning of several"):
        with_targets(ONE, ("r-ab", "web0"), to_tell)
