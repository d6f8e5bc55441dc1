"""The journal, the leases and the groups of a server, for commands that only read.

The commands that read work on these ports as they work on a local journal, so that they print the same words. What
changes something goes through the server's own commands (`remote.commands`), never through these ports.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from katakei.adapters.remote import transfer
from katakei.adapters.remote.http_client import ServerApi, segment
from katakei.domain.errors import UnreachableError, UsageError
from katakei.domain.events import Event
from katakei.domain.freezes import Freeze
from katakei.domain.model import Arn, Registration, RolloutId
from katakei.domain.ports import LeaseStatus, ListedGroup, RolloutHeader

ROOT = "/api/v1/journal"


class RemoteJournal:
    """The rollouts that the server shows to this person."""

    def __init__(self, api: ServerApi) -> None:
        self._api = api

    def read(self, rollout: RolloutId, after: int) -> Sequence[Event]:
        """The events after number `after`, in order; none for an unknown rollout."""
        answer = self._api.get(f"{ROOT}/rollouts/{segment(rollout)}", {"after": after})
        return transfer.events_read(_of(answer, "events"))

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> Sequence[RolloutHeader]:
        """The rollouts of a service, of a group, or all; newest first."""
        answer = self._api.get(f"{ROOT}/rollouts", {"service": service, "group": group, "unfinished": unfinished})
        return transfer.read(transfer.HEADERS, _of(answer, "rollouts"))


class RemoteLeases:
    """Who drives which group, as the server sees it."""

    def __init__(self, api: ServerApi) -> None:
        self._api = api

    def holder(self, group: Arn) -> LeaseStatus | None:
        """Who has the lease of a group; None when nobody has."""
        answer = self._api.get(f"{ROOT}/leases", {"group": group})
        return transfer.read(transfer.LEASE, _of(answer, "lease"))


class RemoteFreezes:
    """The freezes of the server. The server records the person whose token it is."""

    def __init__(self, api: ServerApi) -> None:
        self._api = api

    def active(self) -> Sequence[Freeze]:
        """The freezes that have not ended, the oldest first."""
        return self.read()[1]

    def read(self) -> tuple[datetime, Sequence[Freeze]]:
        """The time of the server's store, and what was active at that moment."""
        answer = self._api.get("/api/v1/freezes")
        found = transfer.read(transfer.FREEZES, _of(answer, "freezes"))
        return transfer.read(transfer.MOMENT, _of(answer, "now")), found

    def freeze(self, name: str, who: str, why: str, until: datetime | None) -> Freeze:
        """Freezes a group, by its ARN, or a service."""
        del who
        body = {"why": why, "until": until.isoformat() if until else None}
        return transfer.read(transfer.FREEZE, _of(self._api.post(f"{_path(name)}/freeze", body), "frozen"))

    def unfreeze(self, name: str, who: str) -> Freeze | None:
        """Lifts a freeze."""
        del who
        return transfer.read(transfer.FREEZE, _of(self._api.post(f"{_path(name)}/unfreeze", {}), "lifted"))


def _path(name: str) -> str:
    """The address of what is frozen: a group by its ARN, else a service."""
    _, found, group = name.partition(":targetgroup/")
    if not found:
        return f"/api/v1/services/{segment(name)}"
    return f"/api/v1/groups/{segment(name.split(':')[3])}/{segment(group.partition('/')[0])}"


class RemoteGroups:
    """The target groups of the server's accounts and regions."""

    def __init__(self, api: ServerApi, restore_lines: Callable[[Sequence[Registration]], Sequence[str]]) -> None:
        """Over the API of a server.

        Args:
            api: The server.
            restore_lines: Writes the commands that register these by hand; makes no call.
        """
        self._api = api
        self._restore_lines = restore_lines

    def listed(self, names: Sequence[str]) -> Sequence[ListedGroup]:
        """The groups of these names or ARNs; all groups when `names` is empty. Raises UsageError: there is none."""
        found = transfer.read(
            transfer.GROUPS, _of(self._api.get(f"{ROOT}/groups", {"names": ",".join(names)}), "groups")
        )
        missing = [name for name in names if not any(name in {each.name, each.arn} for each in found)]
        if missing:
            raise UsageError(f"the server has no target group {missing[0]}; katakei groups lists those there are")
        return found

    def groups(self, names: Sequence[str]) -> Sequence[ListedGroup]:
        """The same: what a command needs of a group is its ARN."""
        return self.listed(names)

    def names(self) -> Sequence[str]:
        """The names of all groups."""
        return self._names

    @cached_property
    def _names(self) -> Sequence[str]:
        return [str(each) for each in _of(self._api.get(f"{ROOT}/group-names"), "names")]

    def restore_lines(self, registrations: Sequence[Registration]) -> Sequence[str]:
        """The commands that register these by hand; no call is made."""
        return self._restore_lines(registrations)


def _of(answer: Any, name: str) -> Any:
    if not isinstance(answer, dict) or name not in answer:
        raise UnreachableError("the server's answer cannot be read: use the version of Katakei that the server has")
    return answer[name]
