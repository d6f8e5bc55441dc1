"""`token`: the tokens of a server, for people, programs and deploy jobs.

With `--server` the server issues them, for a person who may manage tokens. Without it the command works on the server's
store itself: a person who may write to that store may do anything already.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

import click

from katakei.cli.language import reader
from katakei.cli.messages import say, say_json
from katakei.cli.options import Context, NoOptions, argument, option, takes
from katakei.domain.errors import UsageError
from katakei.domain.ports.server import ServerToken, WantedToken
from katakei.render.json_data import output, plain
from katakei.render.local_time import local_second

if TYPE_CHECKING:
    from katakei.bootstrap import Bootstrap
    from katakei.domain.ports.access import StoredToken

T = TypeVar("T")
ROLES = ("viewer", "operator", "approver", "admin")


class Tokens(Protocol):
    """The tokens of one server."""

    def issue(self, wanted: WantedToken) -> tuple[str, ServerToken]:
        """A new token: its secret, and what is kept of it."""
        ...

    def revoke(self, token: str) -> None:
        """Makes a token invalid at once."""
        ...

    def listed(self) -> Sequence[ServerToken]:
        """All of them, the newest first."""
        ...


@dataclass(frozen=True, slots=True)
class CreateOptions:
    """Whose token it is, and what it may do."""

    name: str = argument("name")
    role: str = option(
        "--role", type=click.Choice(ROLES), default="operator", show_default=True, help="What it may do."
    )
    services: tuple[str, ...] = option(
        "--service", "services", multiple=True, metavar="NAME", help="Only for this service; repeatable. Else for all."
    )
    acts: tuple[str, ...] = option(
        "--act", "acts", multiple=True, metavar="ACT", help="Only this act, for example start; repeatable."
    )
    program: bool = option("--program", is_flag=True, help="For a program, such as a deploy job: it opens no page.")
    days: int = option("--days", type=click.IntRange(1, 366), default=90, show_default=True, help="How long it lasts.")
    label: str = option("--label", metavar="WORDS", default="", help="What it is used for.")


@dataclass(frozen=True, slots=True)
class RevokeOptions:
    """One token."""

    token: str = argument("token", metavar="ID")


@click.group("token")
def token_() -> None:
    """The tokens of a server: create, list and revoke them.

    With --server, or on the machine of the server with its --journal.
    """


@token_.command("create")
@takes(CreateOptions)
def create(context: Context, options: CreateOptions) -> None:
    """Create a token for NAME. Its secret is printed once, on a line of its own."""
    roles = dict.fromkeys(options.services or ("*",), options.role)
    acts = tuple(options.acts) or None
    wanted = WantedToken(options.name, roles, options.program, acts, timedelta(days=options.days), options.label)
    secret, token = _with(context, lambda tokens: tokens.issue(wanted))
    if context.as_json:
        say_json(output("token", secret=secret, token=plain(token)))
        return
    tr, until = reader(), local_second(token.expires)
    text = tr("token {id} of {name}, valid until {until}:", id=token.id, name=token.name, until=until)
    say(f"katakei: {text}", err=True)
    say(secret)


@token_.command("list")
@takes(NoOptions)
def list_(context: Context, _options: NoOptions) -> None:
    """List the tokens, the newest first. No secret is among them: only a hash of it is kept."""
    found = _with(context, lambda tokens: tokens.listed())
    if context.as_json:
        say_json(output("tokens", tokens=[plain(each) for each in found]))
        return
    tr = reader()
    for each in found:
        roles = ", ".join(
            tr("{role} of {service}", role=role, service=tr("every service") if name == "*" else name)
            for name, role in each.roles.items()
        )
        state = tr("until {moment}", moment=local_second(each.expires))
        if each.revoked:
            state = tr("revoked {moment}", moment=local_second(each.revoked))
        say(f"{each.id}  {each.name}  {roles}  {state}  {each.label}".rstrip())
    if not found:
        say(tr("there is no token"))


@token_.command("revoke")
@takes(RevokeOptions)
def revoke(context: Context, options: RevokeOptions) -> None:
    """Revoke the token ID at once. Sessions that began with it end."""
    _with(context, lambda tokens: tokens.revoke(options.token))
    text = reader()("token {id} is revoked", id=options.token)
    say_json(output("revoked", revoked=options.token)) if context.as_json else say(text)


def _with(context: Context, act: Callable[[Tokens], T]) -> T:
    if context.server:
        with context.server_drivers() as server:
            return act(server.tokens)
    with context.drivers() as drivers:
        return act(LocalTokens(drivers))


class LocalTokens:
    """The tokens in the store of this machine's server."""

    def __init__(self, drivers: "Bootstrap") -> None:
        from katakei.app.access import Access
        from katakei.domain.principals import EVERY_SERVICE, Principal, PrincipalKind, Role

        self._access = Access(drivers.access)
        owner = drivers.owner
        self._by = Principal(f"{owner.user}@{owner.host}", PrincipalKind.PERSON, {EVERY_SERVICE: Role.ADMIN})

    def issue(self, wanted: WantedToken) -> tuple[str, ServerToken]:
        """A new token."""
        from katakei.app.access import TokenRequest
        from katakei.domain.principals import Act, Role

        known = {act.value for act in Act}
        if strange := [act for act in wanted.acts or () if act not in known]:
            raise UsageError(f"{strange[0]!r} is no act; the acts are {', '.join(sorted(known))}")
        request = TokenRequest(
            wanted.name,
            {service: Role(role) for service, role in wanted.roles.items()},
            wanted.program,
            None if wanted.acts is None else frozenset(map(Act, wanted.acts)),
            wanted.lasts,
            wanted.label,
        )
        issued = self._access.issue_token(self._by, request)
        return issued.secret, _shown(issued.token)

    def revoke(self, token: str) -> None:
        """Makes a token invalid at once."""
        self._access.revoke(self._by, token)

    def listed(self) -> Sequence[ServerToken]:
        """All of them, the newest first."""
        return [_shown(each) for each in self._access.tokens(self._by)]


def _shown(token: "StoredToken") -> ServerToken:
    roles = {service: role.value for service, role in token.principal.roles.items()}
    return ServerToken(token.id, token.principal.name, roles, token.label, token.expires, token.revoked)
