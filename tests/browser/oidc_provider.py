"""A small OpenID Connect provider with a sign-in page: authorization code flow with PKCE, on loopback.

It listens on 127.0.0.1 and calls itself localhost, so that a browser sees another site than the server's.
"""

import base64
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlencode

import jwt
import uvicorn
from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from tests.unit.adapters.oidc.fake_provider import jwk, rsa_key

from katakei.adapters.system.clock import SystemClock
from katakei.web.serving import listening

CLIENT = "katakei"
LASTS = timedelta(minutes=5)
WAIT = 30.0
PAGE = """<!DOCTYPE html><html lang="en"><title>Provider</title><h1>Sign in at the provider</h1>
<form method="post" action="/login"><input type="hidden" name="asked" value="{asked}">
<label>Email <input name="email"></label><button>Sign in</button></form>"""


@dataclass
class Provider:
    """The provider.

    Attributes:
        url: Its issuer.
        groups: The groups of each person, by email address.
        asked: What authorization requests asked for, by a name of their own.
        codes: The codes that were given out: what was asked, and who signed in. Each counts once.
        faults: Why requests for tokens were refused.
    """

    url: str = ""
    groups: dict[str, list[str]] = field(default_factory=dict)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    codes: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def token(self, asked: dict[str, str], email: str) -> str:
        """The ID token of a person."""
        now = SystemClock().now()
        claims = {"iss": self.url, "aud": CLIENT, "sub": email, "iat": now, "exp": now + LASTS, "nonce": asked["nonce"]}
        person = {"email": email, "email_verified": True, "groups": self.groups.get(email, [])}
        return jwt.encode({**claims, **person}, rsa_key(), "RS256", {"kid": "k1"})


def application(provider: Provider) -> FastAPI:
    """The pages and endpoints of a provider."""
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    def discovery() -> dict[str, Any]:
        names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/jwks"}
        return {"issuer": provider.url, **{name: provider.url + path for name, path in names.items()}}

    @app.get("/jwks")
    def keys() -> dict[str, Any]:
        return {"keys": [jwk("k1", rsa_key())]}

    @app.get("/authorize", response_class=HTMLResponse)
    def authorize(request: Request) -> str:
        asked = dict(request.query_params)
        fine = {"response_type": "code", "client_id": CLIENT, "code_challenge_method": "S256"}
        if any(asked.get(name) != value for name, value in fine.items()) or "openid" not in asked["scope"].split():
            raise HTTPException(400)
        name = secrets.token_urlsafe(12)
        provider.asked[name] = asked
        return PAGE.format(asked=name)

    @app.post("/login")
    def login(asked: Annotated[str, Form()], email: Annotated[str, Form()]) -> RedirectResponse:
        request, code = provider.asked.pop(asked), secrets.token_urlsafe(12)
        provider.codes[code] = request, email
        back = urlencode({"code": code, "state": request["state"]})
        return RedirectResponse(f"{request['redirect_uri']}?{back}", 303)

    @app.post("/token")
    def token(
        code: Annotated[str, Form()], redirect_uri: Annotated[str, Form()], code_verifier: Annotated[str, Form()]
    ) -> dict[str, str]:
        kept = provider.codes.pop(code, None)
        digest = base64.urlsafe_b64encode(sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()
        if kept is None or (kept[0]["redirect_uri"], kept[0]["code_challenge"]) != (redirect_uri, digest):
            provider.faults.append(code)
            raise HTTPException(400)
        return {"access_token": "unused", "token_type": "Bearer", "id_token": provider.token(*kept)}

    return app


@contextmanager
def running_provider() -> Iterator[Provider]:
    """A provider until the end of the block."""
    provider = Provider()
    with listening("127.0.0.1", 0) as listener:
        provider.url = f"http://localhost:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(application(provider), log_config=None, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            server.should_exit = True
            thread.join(WAIT)
