"""A small OpenID Connect provider on loopback: real HTTP, real keys, and answers that a test can change."""

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm


@cache
def rsa_key(number: int = 1) -> rsa.RSAPrivateKey:
    """A key that stays the same in this process; its number tells it from others."""
    assert number
    return rsa.generate_private_key(65537, 2048)


@cache
def weak_key() -> rsa.RSAPrivateKey:
    """A key that is too short."""
    return rsa.generate_private_key(65537, 1024)  # noqa: S505 - must be refused


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    """A key for ES256."""
    return ec.generate_private_key(ec.SECP256R1())


def jwk(kid: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """The public half as the provider publishes it."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {**json.loads(ECAlgorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig", "alg": "ES256"}
    return {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig", "alg": "RS256"}


def encoded(data: object) -> str:
    """One part of a token by hand."""
    text = data if isinstance(data, str) else json.dumps(data)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def signed_by_hand(header: object, body: object, key: rsa.RSAPrivateKey | None = None) -> str:
    """A token with any header and any body, signed with RS256."""
    start = f"{encoded(header)}.{encoded(body)}"
    algorithm = RSAAlgorithm(RSAAlgorithm.SHA256)
    signature = algorithm.sign(start.encode(), key or rsa_key())
    return f"{start}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@dataclass
class Provider:
    """The provider.

    Attributes:
        keys: The key set that it publishes.
        answers: What it answers instead, by path: status and body.
        counts: How often each path was asked for.
        discovery: Changes of its discovery document.
        sign: Makes the ID token from the claims of a sign-in.
        codes: The sign-ins under way, by code.
    """

    url: str = ""
    keys: list[dict[str, Any]] = field(default_factory=lambda: [jwk("k1", rsa_key())])
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    discovery: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    forms: list[Mapping[str, str]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    sign: Callable[[dict[str, Any]], str] = lambda claims: jwt.encode(claims, rsa_key(), "RS256", {"kid": "k1"})

    def authorize(self, url: str, claims: Mapping[str, Any]) -> tuple[str, str]:
        """What the browser of a person does at the address: returns state and code. The person has these claims."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = {"asked": asked, "claims": {"nonce": asked["nonce"], **claims}}
        return asked["state"], code

    def token(self, form: Mapping[str, str]) -> tuple[int, object]:
        """The answer of the token endpoint: a code counts once and only with its verifier and address."""
        self.forms.append(form)
        kept = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        if kept is None or kept["asked"]["code_challenge"] != challenge.decode():
            return 400, {"error": "invalid_grant"}
        if kept["asked"]["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        claims = {name: value for name, value in kept["claims"].items() if value is not None}
        return 200, {"access_token": "unused", "token_type": "Bearer", "id_token": self.sign(claims)}

    def page(self, path: str) -> tuple[int, object]:
        """The answer to GET."""
        if path in {"/jwks", "/.well-known/jwks", "/oauth/discovery/keys"}:
            return 200, {"keys": self.keys}
        if path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/jwks"}
            return 200, {
                "issuer": self.url,
                **{name: self.url + where for name, where in names.items()},
                **self.discovery,
            }
        return 404, {}


@contextmanager
def running_provider() -> Iterator[Provider]:
    """A provider on a free port of loopback."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(lambda: provider.page(self.path))

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(text).items()}
            self._answer(lambda: provider.token(form))

        def _answer(self, make: Callable[[], tuple[int, object]]) -> None:
            provider.counts[self.path] = provider.counts.get(self.path, 0) + 1
            provider.headers.append(dict(self.headers))
            if self.path in provider.answers:
                status, body = provider.answers[self.path]
            else:
                status, data = make()
                body = json.dumps(data).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", body.decode())
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)
