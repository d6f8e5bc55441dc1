"""What every page of the console has: the reader with language and theme, the navigation, and how it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from katakei.domain.notifications import Language
from katakei.domain.principals import Act, Principal, Role
from katakei.render.translation import Translator, translator
from katakei.web.console.environment import environment
from katakei.web.console.translation import chosen_language

LANGUAGE_COOKIE: Final = "katakei_language"
THEME_COOKIE: Final = "katakei_theme"
THEMES: Final = ("auto", "light", "dark")
NOTHING_CACHED: Final = {"Cache-Control": "no-store", "Vary": "Cookie, Accept-Language"}

NAVIGATION: Final[Sequence[tuple[str, str]]] = (
    ("/", "Target groups"),
    ("/new", "New rollout"),
    ("/services", "Services"),
    ("/history", "History"),
    ("/audit", "Audit"),
    ("/settings", "Settings"),
)
"""The pages that every page links to: address and name. The template translates the names."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads the page, and how they want it.

    Attributes:
        language: The code of a language.
        theme: One of THEMES.
        principal: Who it is; None: nobody is signed in.
        csrf: What every form must carry.
        dev: Whether the server runs without sign-in, for a try on this machine.
    """

    language: str
    theme: str = "auto"
    principal: Principal | None = None
    csrf: str = ""
    dev: bool = False

    @property
    def role(self) -> Role | None:
        """The role that the page shows beside the name: the highest of all services."""
        roles = list(self.principal.roles.values()) if self.principal else []
        return max(roles, key=lambda role: role.rank, default=None)


@dataclass(frozen=True, slots=True)
class Message:
    """A message on top of a page: what happened.

    Attributes:
        kind: 'good', 'info', 'warn' or 'bad'.
        text: One or two sentences.
        more: Further lines.
    """

    kind: str
    text: str
    more: tuple[str, ...] = field(default=())


def preferences(request: Request) -> tuple[str, str]:
    """The language and the theme that the browser of a request wants."""
    theme = request.cookies.get(THEME_COOKIE, "auto")
    language = chosen_language(request.cookies.get(LANGUAGE_COOKIE, ""), request.headers.get("accept-language", ""))
    return language, theme if theme in THEMES else "auto"


def translator_of(request: Request) -> Translator:
    """The translator for the reader of a request."""
    return translator(Language(preferences(request)[0]))


def api_translator(request: Request) -> Translator:
    """The translator for the messages of the API: a program that wants another language than English says so."""
    return translator(Language(chosen_language("", request.headers.get("accept-language", ""))))


def fragment_wanted(request: Request) -> bool:
    """Whether the script of a page asks for a part of it."""
    return request.headers.get("hx-request") == "true"


def render(reader: Reader, path: str, template: str, values: Mapping[str, object], now: datetime) -> str:
    """A page or a part of one, as HTML.

    Args:
        reader: Who reads it.
        path: The path of the page, for the navigation and the way back from a preference.
        template: The name of the template.
        values: What the template shows.
        now: The time of the server.
    """
    shown = {"reader": reader, "path": path, "navigation": NAVIGATION, "now": now, "Act": Act}
    return environment(reader.language).get_template(template).render(**shown, **values)


def page_response(text: str, status: int = 200, language: str = "en") -> HTMLResponse:
    """The answer with a page. It is never cached, because it shows what its reader may see."""
    return HTMLResponse(text, status, {**NOTHING_CACHED, "Content-Language": language})
