"""A Spec as plain JSON in the shape of katakei.yml, every default written out, so that two can be compared."""

from datetime import timedelta
from typing import Any

from katakei.core.spec import Check, Command, Limits, Selection, Spec

UNITS = (("h", 3600), ("m", 60), ("s", 1))


def normalised(spec: Spec) -> dict[str, Any]:
    """The same for every file that asks for the same; keys in the order of the documented example."""
    window, drain, failure = spec.window, spec.drain, spec.on_failure
    return {
        "service": spec.service,
        "balancer": {"alb": {"target_groups": list(spec.groups)}},
        "targets": _targets(spec.targets),
        "window": {
            "max_unavailable": str(window.max_unavailable),
            "floor": str(window.floor),
            "floor_per_zone": window.floor_per_zone,
            "order": window.order.value,
        },
        "drain": {"settle": text(drain.settle), "until": drain.until.value},
        "work": _command(spec.work),
        "check": _check(spec.check),
        "warm": {"soak": text(spec.soak)},
        "limits": _limits(spec.limits),
        "on_failure": {"max_failures": failure.max_failures, "failed_target": failure.failed_target.value},
        "revert": _command(spec.revert) if spec.revert else None,
    }


def text(length: timedelta) -> str:
    """'1h30m', as it would be written in the file; microseconds are never lost."""
    seconds, parts = length // timedelta(seconds=1), []
    for unit, size in UNITS:
        count, seconds = divmod(seconds, size)
        parts.append(f"{count}{unit}" if count else "")
    rest = f"{length.microseconds}us" if length.microseconds else ""
    return "".join([*parts, rest]) or "0s"


def _targets(selection: Selection) -> Any:
    if selection.tags:
        return {"tag": dict(selection.tags)} | ({"only": list(selection.only)} if selection.only else {})
    return list(selection.only) or "all"


def _command(command: Command) -> dict[str, Any]:
    return {command.executor: {"run": command.run} if command.run else {}}


def _check(check: Check) -> Any:
    if not check.asked:
        return "none"
    http = check.http and {"path": check.http.path, "expect": check.http.expect, "port": check.http.port}
    return {"http": http, "within": text(check.within)}


def _limits(limits: Limits) -> dict[str, str]:
    draining = text(limits.draining_extra)
    return {
        "draining": f"delay+{draining}" if limits.draining_from_delay else draining,
        "working": text(limits.working),
        "warming": text(limits.warming),
        "waiting": text(limits.waiting),
    }
