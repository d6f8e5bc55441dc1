"""Errors as HTTP answers: one sentence, a code for programs, and the exit code that the command line would end with.

An answer never holds a stack trace or the text of an unexpected error; the log does, beside the id of the request.
"""

import json
import math
from dataclasses import dataclass, replace
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from katakei.domain.errors import (
    ConcurrentAppendError,
    ExitCode,
    ForbiddenError,
    InternalError,
    KatakeiError,
    LeaseHeldError,
    LeaseLostError,
    NoAnswerError,
    RefusedError,
    RejectedError,
    TemporarilyUnavailableError,
    TooManyAttemptsError,
    UnauthorizedError,
    UnknownGroupError,
    UnreachableError,
    UsageError,
)
from katakei.domain.notifications import Language
from katakei.domain.outside_text import harmless
from katakei.render.errors import error_text
from katakei.render.json_data import Plain, plain
from katakei.render.translation import ENGLISH, Translator

RETRY_AFTER = 5
"""Seconds after which a request is worth repeating when AWS or the journal did not answer."""


class PlainJson(JSONResponse):
    """JSON in ASCII: output of work may hold half a surrogate pair, which UTF-8 does not have."""

    def render(self, content: object) -> bytes:
        """The body."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as it is answered.

    Attributes:
        status: The HTTP status.
        code: What went wrong, for programs. A code is never renamed.
        message: What happened and what to do now.
        exit_code: What the command line would end with.
        reasons: The reasons as data, where the error has some.
        retry_after: Seconds until the request is worth repeating; 0: the answer does not say.
        language: That of the message.
    """

    status: int
    code: str
    message: str
    exit_code: int
    reasons: tuple[Plain, ...] = ()
    retry_after: int = 0
    language: str = Language.ENGLISH.value

    def data(self) -> dict[str, Plain]:
        """The body of the answer."""
        error: dict[str, Plain] = {"code": self.code, "message": self.message, "exit_code": self.exit_code}
        return {"error": error | ({"reasons": list(self.reasons)} if self.reasons else {})}

    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {"Content-Language": self.language, "Vary": "Accept-Language"} | (
            ({"Retry-After": str(self.retry_after)} if self.retry_after else {})
            | ({"WWW-Authenticate": "Bearer"} if self.status == HTTPStatus.UNAUTHORIZED else {})
        )

    def response(self) -> Response:
        """The answer."""
        return PlainJson(self.data(), self.status, self.headers())


class ProblemError(Exception):
    """A problem of a request itself, found by the web server: too many requests, for example."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class UnknownError(UsageError):
    """The address names a thing that does not exist."""


KINDS: tuple[tuple[type[KatakeiError], HTTPStatus, str], ...] = (
    (TooManyAttemptsError, HTTPStatus.TOO_MANY_REQUESTS, "too_many_attempts"),
    (UnauthorizedError, HTTPStatus.UNAUTHORIZED, "unauthorized"),
    (ForbiddenError, HTTPStatus.FORBIDDEN, "forbidden"),
    (UnknownError, HTTPStatus.NOT_FOUND, "not_found"),
    (UnknownGroupError, HTTPStatus.NOT_FOUND, "unknown_group"),
    (UsageError, HTTPStatus.BAD_REQUEST, "usage"),
    (LeaseHeldError, HTTPStatus.CONFLICT, "lease_held"),
    (RefusedError, HTTPStatus.CONFLICT, "refused"),
    (RejectedError, HTTPStatus.CONFLICT, "rejected"),
    (LeaseLostError, HTTPStatus.CONFLICT, "lease_lost"),
    (ConcurrentAppendError, HTTPStatus.CONFLICT, "concurrent"),
    (TemporarilyUnavailableError, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
    (NoAnswerError, HTTPStatus.SERVICE_UNAVAILABLE, "no_answer"),
    (UnreachableError, HTTPStatus.BAD_GATEWAY, "unreachable"),
    (InternalError, HTTPStatus.INTERNAL_SERVER_ERROR, "internal"),
)
"""The first that fits counts. The status of each error; the exit code is the error's own."""


def problem_of(error: KatakeiError) -> Problem:
    """The problem that tells an error of Katakei."""
    kinds = (each for each in KINDS if isinstance(error, each[0]))
    _, status, code = next(kinds, (KatakeiError, HTTPStatus.INTERNAL_SERVER_ERROR, "failed"))
    wait = RETRY_AFTER if status is HTTPStatus.SERVICE_UNAVAILABLE else 0
    if isinstance(error, TooManyAttemptsError):
        wait = max(1, math.ceil(error.wait))
    reasons = tuple(plain(each) for each in error.reasons)
    return Problem(status, code, error_text(error), int(error.code), reasons, wait)


def internal_problem(request_id: str) -> Problem:
    """The problem that tells an error that nobody expected."""
    sentence = f"an internal error occurred; give the administrator the request id {request_id}"
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", sentence, ExitCode.INTERRUPTED)


def invalid_problem(error: RequestValidationError) -> Problem:
    """The problem that tells every fault of a request's parameters and body. It repeats no value."""
    faults = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    sentence = harmless("; ".join(faults[:10]))[:2000]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"the request is not valid: {sentence}", ExitCode.USAGE)


def http_problem(error: HTTPException) -> Problem:
    """The problem that tells an error of the framework: an unknown path or method."""
    sentences = {
        HTTPStatus.NOT_FOUND: "there is nothing at this address; /docs lists the API",
        HTTPStatus.METHOD_NOT_ALLOWED: "this address does not accept this method; /docs lists the API",
    }
    sentence = sentences.get(HTTPStatus(error.status_code), "the request cannot be read; check its form")
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid")
    return Problem(error.status_code, code, sentence, ExitCode.USAGE)


def problem_for(request: Request, error: Exception, tr: Translator = ENGLISH) -> Problem:
    """The problem that tells any error, with its message in the language of the reader."""
    problem = _problem(request, error)
    if tr.language is Language.ENGLISH:
        return problem
    message = error_text(error, tr) if isinstance(error, KatakeiError) else tr.known(problem.message)
    return replace(problem, message=message, language=tr.language.value)


def _problem(request: Request, error: Exception) -> Problem:
    match error:
        case ProblemError():
            return error.problem
        case KatakeiError():
            return problem_of(error)
        case RequestValidationError():
            return invalid_problem(error)
        case HTTPException():
            return http_problem(error)
        case _:
            return internal_problem(str(request.scope.get("request_id", "")))


def wants_page(request: Request) -> bool:
    """Whether the answer is shown by a browser as a page: not under /api, and HTML is accepted."""
    accepts = request.headers.get("accept", "")
    return not request.url.path.startswith(("/api/", "/healthz", "/readyz", "/metrics")) and "text/html" in accepts


def with_allow(error: Exception, response: Response) -> Response:
    """The same answer, with the methods that the address accepts."""
    if isinstance(error, HTTPException) and error.headers and "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response
