"""Authentication of AWS calls: from a raw request to a call of a known account, or the reason against it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katakei.lab import clock
from katakei.lab.endpoint import signatures, wsgi
from katakei.lab.endpoint.signatures import Problem, RawRequest, Signature, SignatureError

if TYPE_CHECKING:
    from katakei.lab.endpoint.keys import KeyRing
    from katakei.lab.endpoint.wsgi import ApiCall, Environ

HASH = re.compile(r"[0-9a-f]{64}")


class UnauthenticatedError(Exception):
    """A call whose signature is missing or wrong. Nothing of it was executed."""

    def __init__(self, call: ApiCall, problem: Problem) -> None:
        super().__init__(problem.name)
        self.call = call
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Checks every call against the keys of this lab. No call is accepted without a signature."""

    keys: KeyRing

    def call(self, request: RawRequest, environ: Environ) -> ApiCall:
        """Authenticate one request and prepare it for moto, which learns account, region and service here.

        Raises:
            UnauthenticatedError: the call must not be executed.
        """
        scope = _guessed_scope(environ)
        try:
            signature = signatures.read_signature(request)
            scope = (signature.region, signature.service)
            return self._verified(request, environ, signature)
        except SignatureError as error:
            raise UnauthenticatedError(wsgi.read_call(environ, b"", scope, ""), error.problem) from None
        except (ValueError, OSError):  # a body without a sensible length, or with chunks that cannot be read
            raise UnauthenticatedError(wsgi.read_call(environ, b"", scope, ""), Problem.MALFORMED) from None

    def _verified(self, request: RawRequest, environ: Environ, signature: Signature) -> ApiCall:
        key = self.keys.find(signature.access_key)
        if key is None:  # before the body is read
            raise SignatureError(Problem.UNKNOWN_KEY)
        body, payload = b"", signatures.claimed_payload(request, signature)
        if payload is None and not signature.version_2:
            body = wsgi.read_body(environ, wsgi.MAX_BODY)
            payload = hashlib.sha256(body).hexdigest()
        signatures.verify(request, signature, key, payload or "", clock.now())
        if signature.service == "s3" and payload and not payload.startswith(signatures.UNSIGNED_PAYLOADS):
            body = _body_with_hash(environ, payload)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = key.account
        if signature.in_query and not signature.version_2:
            # moto finds service, region and account in this header only.
            scope = "/".join((signature.access_key, *signature.scope, "aws4_request"))
            environ["HTTP_AUTHORIZATION"] = f"{signatures.ALGORITHM} Credential={scope}, SignedHeaders=host"
        return wsgi.read_call(environ, body, (signature.region, signature.service), key.account)


def _body_with_hash(environ: Environ, payload: str) -> bytes:
    if not HASH.fullmatch(payload):
        raise SignatureError(Problem.MALFORMED)
    body = wsgi.read_body(environ)
    if hashlib.sha256(body).hexdigest() != payload:
        raise SignatureError(Problem.OTHER_BODY)
    return body


def _guessed_scope(environ: Environ) -> tuple[str, str]:
    """Returns region and service for the error to a request without a signature: only the format depends on it."""
    return ("", "ssm") if environ.get("HTTP_X_AMZ_TARGET", "").startswith("AmazonSSM.") else ("", "")
