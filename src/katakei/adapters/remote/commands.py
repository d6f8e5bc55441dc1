"""The commands of a server over its API, and the stream of a rollout's news."""

import json
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from katakei.adapters.remote import transfer
from katakei.adapters.remote.http_client import ServerApi, segment
from katakei.domain import events as e
from katakei.domain.errors import UnreachableError, UsageError
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.outside_text import harmless
from katakei.domain.ports.server import RemotePlan, RemoteRequest, Update
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.traffic import FinishAsked

ROOT = "/api/v1"
KNOWN = frozenset(each.value for each in ReasonCode)


class RemoteCommands:
    """The commands that a server carries out (`katakei.domain.ports.server.ServerCommands`)."""

    def __init__(self, api: ServerApi) -> None:
        self._api = api

    def services(self) -> Sequence[str]:
        """The names of the services that this person may see."""
        return [str(each["name"]) for each in _field(self._api.get(f"{ROOT}/services"), "services", list)]

    def plan(self, asked: RemoteRequest) -> RemotePlan:
        """What this rollout would do now."""
        answer = self._api.post(f"{ROOT}/services/{segment(asked.service)}/plan", _body(asked))
        return RemotePlan(
            transfer.plan_read(_field(answer, "recorded", dict)),
            tuple(map(str, _field(answer, "restore", list))),
            tuple(map(str, _field(answer, "restore_held", list))),
            str(_field(answer, "digest", str)),
        )

    def start(self, asked: RemoteRequest, digest: str | None) -> RolloutId:
        """Starts a rollout, or carries the unfinished one of the same request on."""
        body = {**_body(asked), "as_recorded": asked.as_recorded} | ({"digest": digest} if digest else {})
        answer = self._api.post(f"{ROOT}/services/{segment(asked.service)}/rollouts", body)
        return RolloutId(_field(answer, "rollout", str))

    def tell(self, rollout: RolloutId, command: e.UserCommand) -> None:
        """Records a person's command."""
        name, body = _request(command)
        self._api.post(f"{ROOT}/rollouts/{segment(rollout)}/{name}", body)

    def follow(self, rollout: RolloutId, after: int) -> Generator[Update, None, None]:
        """The news after event number `after`, until the connection ends. Closing it ends the connection."""
        with self._api.stream(f"{ROOT}/rollouts/{segment(rollout)}/events", after) as lines:
            yield from updates(lines)


def _body(asked: RemoteRequest) -> dict[str, Any]:
    accept = {
        "force": asked.force,
        "only_these_groups": asked.only_these_groups,
        "ignore_draining": asked.ignore_draining,
    }
    body: dict[str, Any] = {"release": asked.release, "only": [*asked.only], "accept": accept}
    some = {"limit": asked.limit, "only_outdated": asked.only_outdated or None}
    return body | {name: value for name, value in some.items() if value is not None}  # a server may be older


def updates(lines: Iterator[bytes]) -> Iterator[Update]:
    """The news in an event stream. Raises UnreachableError: the session is over, or it is no stream of a rollout."""
    kind, data = "", b""
    for line in lines:
        name, _, value = line.partition(b":")
        if name == b"event":
            kind = value.strip().decode(errors="replace")
        elif name == b"data":
            data += value.strip()
        elif not line and data:
            if update := _update(kind, _decoded(data)):
                yield update
            kind, data = "", b""


def _update(kind: str, data: Any) -> Update | None:
    match kind:
        case "recorded":
            return Update(transfer.events_read([data]))
        case "waiting":
            outputs = {TargetId(str(target)): str(text) for target, text in dict(data.get("outputs", {})).items()}
            return Update((), _why(data), outputs)
        case "trouble":
            return Update((), reason(ReasonCode.RECORDED_TEXT, text=harmless(str(data.get("message", "")))))
        case "ended" if "message" in data:
            raise UnreachableError(harmless(str(data["message"])))
        case _:
            return None


def _why(data: Any) -> Reason:
    """The reason as data; as a sentence where this version does not know it."""
    said = reason(ReasonCode.RECORDED_TEXT, text=harmless(str(data.get("message", ""))))
    try:
        found = transfer.reason_read(data["reason"])
    except (UnreachableError, KeyError):
        return said
    return found if found.code in KNOWN else said


def _decoded(data: bytes) -> Any:
    try:
        found = json.loads(data)
    except ValueError as error:
        raise _foreign() from error
    if not isinstance(found, dict):
        raise _foreign()
    return found


def _request(command: e.UserCommand) -> tuple[str, dict[str, Any]]:
    """The last part of the path, and the body."""
    match command:
        case e.Approved(target=target):
            return "work-done", {"targets": [target]}
        case e.PauseAsked():
            return "pause", {}
        case e.ResumeAsked():
            return "resume", {}
        case e.AbortAsked():
            return "abort", {}
        case e.RevertAsked():
            return "revert", {}
        case e.PromoteAsked():
            return "promote", {}
        case e.GateAnswered(gate=gate, approved=approved):
            return f"gates/{segment(gate)}/{'approve' if approved else 'deny'}", {}
        case e.GateSkipped(gate=gate, why=why):
            return f"gates/{segment(gate)}/skip", {"reason": why}
        case e.RetryAsked(targets=targets):
            return "retry", {"targets": [*targets], "again": True}
        case FinishAsked():
            raise UsageError("a server cannot finish a switch: run katakei switch --finish where its journal is")


def _field(answer: Any, name: str, kind: type) -> Any:
    if not isinstance(answer, dict) or not isinstance(answer.get(name), kind):
        raise _foreign()
    return answer[name]


def _foreign() -> UnreachableError:
    return UnreachableError("the server's answer cannot be read: use the version of Katakei that the server has")
