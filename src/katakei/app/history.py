"""The history of a server: rollouts found by service, group, person or id, a page at a time, newest first."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from katakei.app.queries import driver_of
from katakei.domain.errors import KatakeiError
from katakei.domain.overview import ListedRollout
from katakei.domain.ports import Journal, Leases, RolloutHeader
from katakei.domain.replay import replay


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """A search. An empty field matches everything; all fields must match.

    Attributes:
        text: Occurs in the id, the service, a group's name or the person, in upper or lower case.
        service: The exact service.
        unfinished: Only rollouts that are not finished.
        before: Only rollouts that are listed after this one, which are older.
        limit: How many at most.
    """

    text: str = ""
    service: str = ""
    unfinished: bool = False
    before: str = ""
    limit: int = 50


def search(
    journal: Journal, leases: Leases, query: HistoryQuery, may_see: Callable[[RolloutHeader], bool]
) -> Sequence[ListedRollout]:
    """The rollouts that match.

    Args:
        journal: Where rollouts are recorded.
        leases: Who drives them.
        query: What is searched for.
        may_see: Whether the person who asks may see a rollout.
    """
    headers = journal.find(service=query.service or None, unfinished=query.unfinished)
    if query.before:
        places = [number for number, header in enumerate(headers) if header.rollout == query.before]
        headers = headers[places[0] + 1 :] if places else ()
    found: list[ListedRollout] = []
    for header in headers:
        if len(found) >= query.limit:
            break
        if _matches(header, query.text.casefold()) and may_see(header):
            found.append(listed(journal, leases, header))
    return found


def listed(journal: Journal, leases: Leases, header: RolloutHeader) -> ListedRollout:
    """A rollout with its state. One that cannot be read, because a newer version wrote it, must not hide the others."""
    with suppress(KatakeiError):
        if events := journal.read(header.rollout, 0):
            state = replay(events)
            return ListedRollout(header, state, driver_of(leases, state))
    return ListedRollout(header, None, None)


def _matches(header: RolloutHeader, text: str) -> bool:
    names = (arn.partition(":targetgroup/")[2].partition("/")[0] for arn in header.groups)
    return not text or any(text in each.casefold() for each in (header.rollout, header.service, header.who, *names))
