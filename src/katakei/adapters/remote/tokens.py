"""The tokens of a server over its API."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from katakei.adapters.remote import transfer
from katakei.adapters.remote.http_client import ServerApi, segment
from katakei.domain.errors import UnreachableError
from katakei.domain.ports.server import ServerToken, WantedToken

ROOT = "/api/v1/tokens"
TOKEN: TypeAdapter[ServerToken] = TypeAdapter(ServerToken)


class RemoteTokens:
    """The tokens that this person may manage, and their own."""

    def __init__(self, api: ServerApi) -> None:
        self._api = api

    def issue(self, wanted: WantedToken) -> tuple[str, ServerToken]:
        """A new token: its secret, and what the server keeps of it."""
        body = {
            "name": wanted.name,
            "roles": dict(wanted.roles),
            "program": wanted.program,
            "acts": None if wanted.acts is None else [*wanted.acts],
            "days": wanted.lasts / timedelta(days=1),
            "label": wanted.label,
        }
        answer = self._api.post(ROOT, body)
        if not isinstance(answer, dict) or not isinstance(answer.get("secret"), str):
            raise UnreachableError("the server gave no token: use the version of Katakei that the server has")
        return answer["secret"], _token(answer.get("token"))

    def revoke(self, token: str) -> None:
        """Makes a token invalid at once."""
        self._api.delete(f"{ROOT}/{segment(token)}")

    def listed(self) -> Sequence[ServerToken]:
        """The tokens, the newest first."""
        answer = self._api.get(ROOT)
        return [_token(each) for each in (answer.get("tokens") or () if isinstance(answer, dict) else ())]


def _token(data: Any) -> ServerToken:
    principal = data.get("principal") if isinstance(data, dict) else None
    found = {**data, **principal, "id": data["id"]} if isinstance(principal, dict) and "id" in data else {}
    return transfer.read(TOKEN, {name: found.get(name) for name in ServerToken.__slots__ if name in found})
