"""The check `http`: one GET asked of the target itself, as the load balancer's own health check asks it.

As ELB does (docs/aws.md 6): a new connection each time, Host is address:port, no redirect is followed and no
certificate is validated, because targets behind an ALB commonly carry self-made ones. Nothing but the status counts.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta

from katakei.adapters.health_checks import matcher, wire
from katakei.domain.model import TargetId
from katakei.domain.observation import CheckResult
from katakei.domain.ports import CheckRequest, Clock

AT_ONCE = 32
"""Questions asked at the same time."""

_Asked = Mapping[TargetId, Sequence[CheckRequest]]


class HttpChecker:
    """Asks over HTTP and HTTPS. What it cannot ask (gRPC) does not pass, and the answer's `why` says so."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def ask(self, questions: _Asked, by: timedelta) -> Mapping[TargetId, CheckResult]:
        """All questions at once, each within its own timeout and all within `by`.

        A target of which nothing was asked, or whose questions neither failed nor all ended in time, is missing.
        """
        begun = self._clock.now()
        answers: dict[TargetId, CheckResult] = {}
        for target, whys in self._each(questions, by, self._answered).items():
            wrong = [why for why in whys if why]
            if wrong or (whys and None not in whys):
                answers[target] = CheckResult(not wrong, begun, "; ".join(wrong))
        return answers

    def reachable(self, questions: _Asked, by: timedelta) -> Mapping[TargetId, str]:
        """Connects and says nothing. A door that did not open within `by` counts as closed."""
        late = f"no connection within {by.total_seconds():g} s"
        reasons: dict[TargetId, str] = {}
        for target, whys in self._each(questions, by, self._open).items():
            closed = [late if why is None else why for why in whys if why != ""]
            if closed:
                reasons[target] = "; ".join(closed)
        return reasons

    def _each(
        self, questions: _Asked, by: timedelta, one: Callable[[CheckRequest, datetime], str | None]
    ) -> dict[TargetId, list[str | None]]:
        """For each question '' or what was wrong; None where it had not ended."""
        until = self._clock.now() + by
        with ThreadPoolExecutor(AT_ONCE, "katakei-check") as pool:
            asked: dict[TargetId, list[Future[str | None]]] = {
                target: [pool.submit(one, question, until) for question in some] for target, some in questions.items()
            }
            ended, _ = wait([each for some in asked.values() for each in some], by.total_seconds())
            # What has a thread is bounded by `until` as well and about to end; what waits for one never begins.
            pool.shutdown(wait=False, cancel_futures=True)
        return {target: [each.result() if each in ended else None for each in some] for target, some in asked.items()}

    def _answered(self, question: CheckRequest, until: datetime) -> str | None:
        try:
            wanted = matcher.read(question.expect)
        except ValueError as error:
            return f"{question.path} cannot be asked: {error}"
        said = f"GET {wire.url(question)}"
        if question.scheme not in wire.SCHEMES:
            return f"{said} cannot be asked: only http and https are spoken here, not {question.scheme}"
        bound = min(until, self._clock.now() + question.timeout)

        def left() -> float:
            return (bound - self._clock.now()).total_seconds()

        try:
            status = wire.get(question, left)
        except TimeoutError:
            return f"{said} had no answer within {question.timeout.total_seconds():g} s" if bound < until else None
        except (OSError, ValueError) as error:
            return f"{said} {wire.say(error)}"
        return "" if wanted(status) else f"{said} answered {status}, expected {question.expect}"

    def _open(self, question: CheckRequest, until: datetime) -> str | None:
        bound = min(until, self._clock.now() + question.timeout)
        where = wire.host(question)
        try:
            wire.connect(question, (bound - self._clock.now()).total_seconds()).close()
        except TimeoutError:
            return f"{where} did not answer within {question.timeout.total_seconds():g} s" if bound < until else None
        except OSError as error:
            return f"{where} {wire.say(error)}"
        return ""
