"""The proof of rights: before the first target is taken out, every call that the rollout will need is tried harmlessly.

A missing right, or a program that is not on a target, is then found while everything still serves. No registration is
touched.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from katakei.app.preflight import probed_targets
from katakei.domain.errors import KatakeiError, UnreachableError
from katakei.domain.model import TargetId
from katakei.domain.plan import Plan
from katakei.render.text import label, listed
from katakei.runtime.drivers import Drivers, with_retries

CALL_LIMIT = timedelta(seconds=10)
ANSWER_LIMIT = timedelta(seconds=15)
"""How long the answer of a target is awaited. A target that is slower is not proved."""


def prove_rights(drivers: Drivers, plan: Plan) -> None:
    """Tries every call of this plan.

    Args:
        drivers: Asked; nothing is changed.
        plan: A whole rollout, confirmed and not recorded yet.

    Raises:
        UnreachableError: A right is missing, or a target lacks the program of the work. The sentence names it.
        NoAnswerError: AWS did not answer.
    """
    errors = _tried(drivers, [*_of_balancer(drivers, plan), *_of_executors(drivers, plan), *_of_probe(drivers, plan)])
    for error in errors:
        if isinstance(error, UnreachableError):
            raise type(error)(f"{error}. Nothing was changed") from error
    if errors:
        raise errors[0]


def missing_rights(drivers: Drivers, plan: Plan) -> list[KatakeiError]:
    """Tries the calls of the load balancer and of the work, and returns what went wrong."""
    return _tried(drivers, [*_of_balancer(drivers, plan), *_of_executors(drivers, plan)])


def missing_probe(drivers: Drivers, plan: Plan) -> list[KatakeiError]:
    """Tries the drain probe, and returns what went wrong."""
    return _tried(drivers, _of_probe(drivers, plan))


def _tried(drivers: Drivers, proofs: list[Callable[[], None]]) -> list[KatakeiError]:
    running = [drivers.pool.submit(lambda proof=proof: with_retries(drivers.clock, proof)) for proof in proofs]  # type: ignore[misc]  # binds each
    errors: list[KatakeiError] = []
    for future in running:
        error = future.exception()
        if isinstance(error, KatakeiError):
            errors.append(error)
        elif error is not None:
            raise error
    return errors


def _of_balancer(drivers: Drivers, plan: Plan) -> list[Callable[[], None]]:
    places = [place for target in (*plan.targets, *plan.bystanders) for place in target.registrations]
    return [
        lambda arn=group.arn: drivers.balancer.prove_rights(  # type: ignore[misc]  # binds each group
            arn, [place for place in places if place.group == arn], CALL_LIMIT
        )
        for group in plan.groups
    ]


def _of_probe(drivers: Drivers, plan: Plan) -> list[Callable[[], None]]:
    """The drain probe must be able to run where its evidence is wanted and no other was listed."""
    probe = drivers.probe(plan.spec)
    if probe is None:
        return []
    names = {target.id: label(target) for target in plan.targets}
    probed = probed_targets(plan)

    def prove() -> None:
        if unable := _by_reason(probe.unable(probed, ANSWER_LIMIT), names):
            raise UnreachableError(
                f"the drain cannot be probed: {unable}; correct that, or write until: [requests, proof]"
            )

    return [prove]


def _by_reason(lacking: Mapping[TargetId, str], names: Mapping[TargetId, str]) -> str:
    """Each reason once, with the targets that have it; '' when there is none."""
    whys: dict[str, list[str]] = {}
    for target, why in lacking.items():
        whys.setdefault(why, []).append(names[target])
    return "; ".join(f"{why} on {listed(who)}" for why, who in whys.items())


def _of_executors(drivers: Drivers, plan: Plan) -> list[Callable[[], None]]:
    names = {target.id: label(target) for target in plan.targets}

    def prove(index: int) -> None:
        command = plan.spec.commands[index]
        lacking = drivers.executor(command).prove(command, plan.targets, ANSWER_LIMIT)
        if said := _by_reason(lacking, names):
            raise UnreachableError(f"the work cannot begin: {said}")

    return [lambda index=index: prove(index) for index in range(len(plan.spec.commands))]  # type: ignore[misc]  # binds each
