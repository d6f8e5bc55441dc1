"""The health check `http`: one GET sent to the target itself, as the load balancer's own health check sends it.

As ELB does (docs/aws.md 6): a new connection each time, Host is address:port, redirects are not followed, and no
certificate is validated, because targets behind an ALB commonly have self-signed ones. Only the status counts.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.adapters.health_checks import http_request
from katakei.domain.model import TargetId
from katakei.domain.observation import CheckResult
from katakei.domain.outside_text import one_line
from katakei.domain.ports import CheckRequest, Clock

AT_ONCE = 32
"""Requests sent at the same time."""

_MATCHER_PART = re.compile(r"(\d{3})(?:-(\d{3}))?")


@dataclass(frozen=True, slots=True)
class Passed:
    """The target answered as expected."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The target answered otherwise, or not at all."""

    why: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The time was over before the request had its own timeout: nothing is known."""


Outcome = Passed | Failed | Unfinished
_Requests = Mapping[TargetId, Sequence[CheckRequest]]


class HttpChecker:
    """Sends checks over HTTP and HTTPS. A check that it cannot send (gRPC) fails, and the result says why."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def ask(self, questions: _Requests, by: timedelta) -> Mapping[TargetId, CheckResult]:
        """Sends all checks at once, each within its own timeout and all within `by`.

        Returns:
            A result for each target. One without checks is missing, and so is one of which no check failed and not all
            ended in time.
        """
        begun = self._clock.now()
        answers: dict[TargetId, CheckResult] = {}
        for target, outcomes in self._each(questions, by, self._answered).items():
            whys = [outcome.why for outcome in outcomes if isinstance(outcome, Failed)]
            if whys or (outcomes and all(isinstance(outcome, Passed) for outcome in outcomes)):
                answers[target] = CheckResult(not whys, begun, one_line("; ".join(whys)))
        return answers

    def reachable(self, questions: _Requests, by: timedelta) -> Mapping[TargetId, str]:
        """Connects and sends nothing. A connection that was not made within `by` counts as refused.

        Returns:
            The reason for each target that cannot be connected to.
        """
        late = f"no connection within {by.total_seconds():g} s"
        reasons: dict[TargetId, str] = {}
        for target, outcomes in self._each(questions, by, self._open).items():
            closed = [
                outcome.why if isinstance(outcome, Failed) else late
                for outcome in outcomes
                if not isinstance(outcome, Passed)
            ]
            if closed:
                reasons[target] = "; ".join(closed)
        return reasons

    def _each(
        self, questions: _Requests, by: timedelta, one: Callable[[CheckRequest, datetime], Outcome]
    ) -> dict[TargetId, list[Outcome]]:
        until = self._clock.now() + by
        with ThreadPoolExecutor(AT_ONCE, "katakei-check") as pool:
            asked: dict[TargetId, list[Future[Outcome]]] = {
                target: [pool.submit(one, question, until) for question in some] for target, some in questions.items()
            }
            ended, _ = wait([each for some in asked.values() for each in some], by.total_seconds())
            # A request with a thread is bounded by `until` too and ends soon; one that waits for a thread never begins.
            pool.shutdown(wait=False, cancel_futures=True)
        return {
            target: [each.result() if each in ended else Unfinished() for each in some]
            for target, some in asked.items()
        }

    def _answered(self, question: CheckRequest, until: datetime) -> Outcome:
        try:
            expected = read_matcher(question.expect)
        except ValueError as error:
            return Failed(f"{question.path} cannot be asked: {error}")
        said = f"GET {http_request.url(question)}"
        if question.scheme not in http_request.SCHEMES:
            return Failed(f"{said} cannot be asked: only http and https are supported, not {question.scheme}")
        bound = min(until, self._clock.now() + question.timeout)

        def left() -> float:
            return (bound - self._clock.now()).total_seconds()

        try:
            status = http_request.get(question, left)
        except TimeoutError:
            if bound >= until:
                return Unfinished()
            return Failed(f"{said} had no answer within {question.timeout.total_seconds():g} s")
        except (OSError, ValueError) as error:
            return Failed(f"{said} {http_request.describe(error)}")
        return Passed() if expected(status) else Failed(f"{said} answered {status}, expected {question.expect}")

    def _open(self, question: CheckRequest, until: datetime) -> Outcome:
        bound = min(until, self._clock.now() + question.timeout)
        where = http_request.host(question)
        try:
            http_request.connect(question, (bound - self._clock.now()).total_seconds()).close()
        except TimeoutError:
            if bound >= until:
                return Unfinished()
            return Failed(f"{where} did not answer within {question.timeout.total_seconds():g} s")
        except OSError as error:
            return Failed(f"{where} {http_request.describe(error)}")
        return Passed()


def read_matcher(expect: str) -> Callable[[int], bool]:
    """The test that an ELBv2 matcher describes: '200', '200,204', '200-299', or a list of both (Matcher.HttpCode).

    Raises:
        ValueError: It is not such a matcher; those of gRPC are not.
    """
    parts = [_MATCHER_PART.fullmatch(part.strip()) for part in expect.split(",")]
    ranges = [(int(part[1]), int(part[2] or part[1])) for part in parts if part]
    if len(ranges) != len(parts) or any(low > high for low, high in ranges):
        raise ValueError(
            f"{expect!r} is no list of statuses like 200, 200,204 or 200-299 (gRPC checks cannot be asked)"
        )
    return lambda status: any(low <= status <= high for low, high in ranges)
