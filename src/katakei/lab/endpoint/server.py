"""HTTP server of the AWS endpoint: moto, with the lab's ELBv2 in its place, behind fault injection and a call log.

It listens on loopback only. It executes a call only if a key of this lab signed it, because the lab runs commands. The
behavior of AWS is in `elb` and in moto's patched backends.
"""

from __future__ import annotations

import logging
import threading
from contextlib import nullcontext
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from moto import backends
from moto.core.config import default_user_config
from moto.ec2.models import ec2_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from katakei.lab import clock
from katakei.lab.elb import query_protocol
from katakei.lab.endpoint import access, bucket_policies, errors, internal, sessions, wsgi
from katakei.lab.endpoint.authentication import Authenticator, UnauthenticatedError
from katakei.lab.endpoint.keys import KeyRing
from katakei.lab.endpoint.lab_api import CallLog, LabApi
from katakei.lab.endpoint.wsgi import ApiCall, Environ, HttpResponse, StartResponse
from katakei.lab.faults import FaultInjector, FaultOutcome, Faults
from katakei.lab.options import LAB_KEY, AccessKey, new_access_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from botocore.awsrequest import AWSPreparedRequest

    from katakei.lab.cloudformation.service import CloudFormation
    from katakei.lab.elb.service import Elb
    from katakei.lab.endpoint.signatures import RawRequest

WARM_UP_CALLS = (
    ("ec2", b"Action=DescribeInstances&Version=2016-11-15"),
    ("sts", b"Action=GetCallerIdentity&Version=2011-06-15"),
    ("elasticloadbalancing", b"Action=DescribeTargetGroups&Version=2015-12-01"),
)
ADDRESS = "127.0.0.1"
REGIONAL = frozenset({"elasticloadbalancing", "ec2", "ssm", "autoscaling", "cloudformation"})
log = logging.getLogger(__name__)


class Endpoint:
    """The one address of every AWS client of a lab.

    Args:
        elb: the ELBv2 that answers load balancer calls.
        faults: the faults to inject; other parts may listen to their changes.
        key: the key of this lab; a new one if absent.

    Attributes:
        key: the key whose holder commands this lab.
    """

    def __init__(self, elb: Elb, faults: FaultInjector | None = None, key: AccessKey | None = None) -> None:
        bucket_policies.install()
        default_user_config["iam"]["load_aws_managed_policies"] = True  # as on AWS; read when IAM is first used
        self.key = key or new_access_key()
        self.faults = faults or FaultInjector(Faults(lag=elb.target_state.switches.lag.total_seconds()))
        self.log = CallLog()
        self._elb = elb
        self._keys = KeyRing(self.key, elb.target_state.account)
        self._authenticator = Authenticator(self._keys)
        self._lab = LabApi(elb, self.faults, self.log)
        self._moto = _Moto(create_backend_app)
        self._s3_lock = (
            threading.Lock()
        )  # moto checks a condition and writes later without a lock; S3 does both atomically
        self._stacks: CloudFormation | None = None
        self._stacks_lock = threading.Lock()
        self._closing = threading.Event()
        self.faults.listen(self._apply_faults)
        self._server = make_server(ADDRESS, 0, self, threaded=True, request_handler=_Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="endpoint", daemon=True)

    @property
    def url(self) -> str:
        """The URL for AWS_ENDPOINT_URL."""
        return f"http://{self._server.server_address[0]!s}:{self._server.server_port}"

    def start(self) -> None:
        """Start to serve."""
        self._thread.start()

    def warm_up(self) -> None:
        """Make every service load what it loads at its first call. Nothing is logged and no fault is injected."""
        for service, body in WARM_UP_CALLS:
            scope = (self._elb.target_state.region, service)
            environ = _request(body, scope)
            self._execute(wsgi.read_call(environ, body, scope, self._elb.target_state.account), environ)

    def close(self) -> None:
        """Stop serving. Calls that are held open are released."""
        self._closing.set()
        if self._stacks is not None:
            self._stacks.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        request = wsgi.raw_request(environ)
        if refused := access.foreign(request):
            return refused.send(start)
        if environ["PATH_INFO"].startswith("/_lab"):
            return self._lab_answer(request, environ).send(start)
        at = clock.now()
        try:
            call = self._authenticator.call(request, environ)
        except UnauthenticatedError as error:
            answer = errors.unauthenticated(error.call, error.problem)
            self.log.add(error.call, at, answer.code, FaultOutcome.PASS, len(answer.body))
            return answer.send(start)
        return self._logged(call, environ, at).send(start)

    def _lab_answer(self, request: RawRequest, environ: Environ) -> HttpResponse:
        if not self._keys.is_own_secret(request.header(access.LAB_KEY_HEADER)):
            return access.refusal(f"the lab asks for its key in {access.LAB_KEY_HEADER}: `env` shows it as {LAB_KEY}")
        try:
            return self._lab.answer(environ, wsgi.read_body(environ, wsgi.MAX_BODY))
        except (ValueError, OSError):
            return HttpResponse("413 Content Too Large", (), b"")

    def _logged(self, call: ApiCall, environ: Environ, at: datetime) -> HttpResponse:
        """Answer an authenticated call, with the faults of the moment, and log it."""
        outcome = self.faults.outcome(call.action)
        answer = self._answer(call, environ, outcome)
        if answer is None:
            # Logged before the wait: a reader of the log must see meanwhile that the call was made.
            self.log.add(call, at, 0, outcome)
            self._closing.wait(self.faults.now.hold)
            return errors.internal(call)
        self.log.add(call, at, answer.code, outcome, len(answer.body))
        return answer

    def _answer(self, call: ApiCall, environ: Environ, outcome: FaultOutcome) -> HttpResponse | None:
        """Returns the answer, or None for a call that is never answered."""
        if outcome is FaultOutcome.DENY:
            return errors.denied(call, self._elb.target_state.account)
        if outcome is FaultOutcome.THROTTLE:
            return errors.throttled(call)
        if outcome in {FaultOutcome.PASS, FaultOutcome.ERROR_DONE, FaultOutcome.TIMEOUT_DONE}:
            answer = self._execute(call, environ)
            if outcome is FaultOutcome.PASS:
                return answer
        return errors.internal(call) if outcome in {FaultOutcome.ERROR, FaultOutcome.ERROR_DONE} else None

    def _execute(self, call: ApiCall, environ: Environ) -> HttpResponse:
        """Execute the call. Any exception becomes an error in the format of the service."""
        try:
            if call.service in REGIONAL and call.region not in ec2_backends[call.account].regions:
                return errors.unknown_region(call)
            if call.service == "elasticloadbalancing" and call.form.get("Version") == query_protocol.VERSION:
                return self._elbv2(call)
            if call.service == "sts" and call.action in sessions.ACTIONS:
                return sessions.answer(self._keys, call, clock.now())
            if call.service == "cloudformation":
                return self._cloudformation(call)
            if call.service == "s3" and (refused := _refused_by_policy(call, environ)):
                return refused
            with self._s3_lock if call.service == "s3" else nullcontext():
                answer = wsgi.run_wsgi(self._moto, environ)
        except (NotImplementedError, ImportError):  # an action or a whole service that moto cannot answer here
            return errors.unknown(call)
        except Exception:
            log.exception("%s %s failed", call.service, call.action)
            return errors.internal(call)
        html = any(k.lower() == "content-type" and v.startswith("text/html") for k, v in answer.headers)
        if answer.code >= 500 and html:
            return errors.internal(call)
        if answer.code in {404, 405} and html and call.service != "s3":
            return errors.unknown(call)
        return answer

    def _elbv2(self, call: ApiCall, *, limited: bool = True) -> HttpResponse:
        return _xml(*self._elb.region(call.region, call.account).answer(call.form, limited=limited))

    def _cloudformation(self, call: ApiCall) -> HttpResponse:
        # Loaded at the first call, because few users of a lab need it.
        from katakei.lab.cloudformation import api, service  # noqa: PLC0415 - see above

        with self._stacks_lock:
            if self._stacks is None:
                self._stacks = service.CloudFormation(self._internal)
        return _xml(*api.answer(self._stacks, call.action, call.form, call.account, call.region))

    def _internal(self, request: AWSPreparedRequest, service: str, region: str, account: str) -> HttpResponse:
        """Execute a request that the lab makes to itself: without signature, fault, rate limit and log."""
        environ, body = internal.environ_of(request, service, region, account)
        call = wsgi.read_call(environ, body, (region, internal.SIGNING_NAMES.get(service, service)), account)
        if call.service == "elasticloadbalancing":
            return self._elbv2(call, limited=False)
        return self._execute(call, environ)

    def _apply_faults(self, before: Faults, after: Faults) -> None:
        if (before.lag, before.stale, before.close_idle) != (after.lag, after.stale, after.close_idle):
            self._elb.apply_faults(lag=after.lag, stale=after.stale, close_idle=after.close_idle)


def _refused_by_policy(call: ApiCall, environ: Environ) -> HttpResponse | None:
    if unknown := bucket_policies.unknown_condition(call, environ):
        return errors.error_response(call, "MalformedPolicy", unknown, 400)
    if bucket_policies.denies(call, environ):
        text = "Access Denied by the policy of the bucket"
        return errors.error_response(call, "AccessDenied", text, 403)
    return None


def _xml(status: int, body: bytes) -> HttpResponse:
    return HttpResponse(f"{status} {HTTPStatus(status).phrase}", (("Content-Type", "text/xml"),), body)


class _Moto(DomainDispatcherApplication):
    """moto's application without its output on standard output."""

    def get_backend_for_host(self, host: str | None) -> Any:
        if host is None or host == "moto_api" or host in backends.list_of_moto_modules():
            return host
        found = (backend for backend, pattern in self.backend_url_patterns if pattern.match(f"http://{host}"))
        backend = next(found, None)
        if backend is None:
            raise NotImplementedError(host)
        return backend


class _Handler(MotoRequestHandler):
    """A request handler that logs nothing and keeps the headers as they came, because signatures depend on them."""

    def make_environ(self) -> Environ:
        """Return moto's environment with the headers as they came."""
        environ: Environ = super().make_environ()
        return environ | {wsgi.HEADERS: self.headers.items()}

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing; the call log has more."""


def _request(body: bytes, scope: tuple[str, str]) -> Environ:
    from werkzeug.test import EnvironBuilder  # noqa: PLC0415 - needed for warming up only

    credential = f"AWS4-HMAC-SHA256 Credential=lab/20260101/{'/'.join(scope)}/aws4_request, SignedHeaders=host"
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    builder = EnvironBuilder(method="POST", data=body, content_type=kind, headers=[("Authorization", credential)])
    return builder.get_environ()
