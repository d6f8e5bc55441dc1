"""The findings of `doctor` as text and JSON: what each means, and what to do."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from katakei.domain.errors import KatakeiError
from katakei.planning.diagnosis import Finding, Level, Sign, Topic, worst
from katakei.render.errors import error_text
from katakei.render.json_data import Plain, output
from katakei.render.reasons import sentence
from katakei.render.text import one_line
from katakei.render.translation import ENGLISH, Translator
from katakei.render.widths import padded

SENTENCES: Mapping[Sign, str] = MappingProxyType(
    {
        Sign.SITE: "account {account}, region {region}",
        Sign.CLOCK_RIGHT: "the clock of this machine agrees with that of AWS",
        Sign.CLOCK_UNKNOWN: "AWS said no time to compare with",
        Sign.CLOCK_WRONG: "the clock of this machine is wrong by {by}; AWS refuses calls from 5 minutes on",
        Sign.PLAN_POSSIBLE: "a rollout of {targets} targets is possible",
        Sign.TIMES_SHORT: "no setting of the target groups costs much time",
        Sign.DELAY_WAITED: "{group}: each target waits the whole deregistration delay of {delay}",
        Sign.DELAY_CUTS: "{group}: the deregistration delay of {delay} cuts requests that take longer",
        Sign.CHECK_SLOW: "{group}: a target that returns waits up to {costs} for a health check, made every {interval}",
        Sign.DETECTION_SLOW: "{group}: a target that breaks gets requests for up to {detection}",
        Sign.TARGETS_READY: "{targets} targets can be worked on",
        Sign.TARGET_NOT_READY: "{target}: {why}",
        Sign.RIGHTS_PROVED: "every call that the rollout makes is permitted",
        Sign.NOT_TRIED: "not tried, because the plan is refused",
        Sign.PROBE_POSSIBLE: "the drain can be probed on every target that answered",
        Sign.JOURNAL_READ: "the journal can be read; it has {rollouts} rollouts",
        Sign.LEASES_FREE: "nobody holds the target groups",
        Sign.LEASE_IN_USE: "{group}: {owner} drives rollout {rollout}",
        Sign.LEASE_SILENT: "{group}: {owner}, which drove rollout {rollout}, is silent and still holds the lease",
        Sign.ROLLOUT_LEFT: "{group}: rollout {rollout} is not finished, and nobody drives it",
    }
)
ADVICE: Mapping[Sign, str] = MappingProxyType(
    {
        Sign.CLOCK_WRONG: "set the clock, or start the time service of this machine",
        Sign.DELAY_WAITED: "use work: ssm or ssh, so that a probe ends the drain earlier, or lower"
        " deregistration_delay.timeout_seconds",
        Sign.DELAY_CUTS: "set deregistration_delay.timeout_seconds to more than the longest request",
        Sign.CHECK_SLOW: "lower HealthCheckIntervalSeconds of the group, to 5 for example",
        Sign.DETECTION_SLOW: "lower HealthCheckIntervalSeconds or UnhealthyThresholdCount of the group",
        Sign.TARGET_NOT_READY: "repair the target, or leave it out with targets:",
        Sign.LEASE_IN_USE: "wait for its end: katakei wait {rollout}",
        Sign.LEASE_SILENT: "run katakei roll again: it takes over after 30s; or katakei abort {rollout}",
        Sign.ROLLOUT_LEFT: "run katakei roll again to carry it on; or katakei abort {rollout}",
    }
)
"""What to do. The sentences of reasons and errors say it themselves."""

LEVELS: Mapping[Level, str] = MappingProxyType({Level.OK: "ok", Level.WARNING: "warning", Level.FAULT: "fault"})
TOPICS: Mapping[Topic, str] = MappingProxyType({topic: topic.value for topic in Topic})


def diagnosis_text(rows: Sequence[Finding], tr: Translator) -> str:
    """One line for each finding, and its advice below it."""
    lines: list[str] = []
    for row in rows:
        level, topic = tr.of(LEVELS[row.level]), tr.of(TOPICS[row.topic])
        head = f"{padded(level, 8)} {padded(topic, 12)} "
        first, *more = message(row, tr).splitlines()
        lines += [head + first, *(" " * 22 + line for line in more)]
        lines += [" " * 22 + advice] if (advice := advice_of(row, tr)) else []
    return "\n".join(lines)


def message(row: Finding, tr: Translator = ENGLISH) -> str:
    """What was found."""
    match row.cause:
        case Sign():
            return _filled(SENTENCES[row.cause], row, tr)
        case KatakeiError():
            return error_text(row.cause, tr)
        case _:
            return sentence(row.cause, tr)


def advice_of(row: Finding, tr: Translator = ENGLISH) -> str:
    """What to do; '' where nothing is to be done, or where the message says it."""
    template = ADVICE.get(row.cause, "") if isinstance(row.cause, Sign) else ""
    return _filled(template, row, tr) if template else ""


def _filled(template: str, row: Finding, tr: Translator) -> str:
    facts = {
        name: tr.span(value) if isinstance(value, timedelta) else tr.known(one_line(str(value)))
        for name, value in row.facts
    }
    return tr.of(template).format(**facts)


def diagnosis_data(rows: Sequence[Finding]) -> dict[str, Plain]:
    """The findings for programs."""
    found: list[Plain] = [
        output(
            "finding",
            level=row.level.value,
            topic=row.topic.value,
            code=_code(row),
            message=message(row),
            advice=advice_of(row) or None,
        )
        for row in rows
    ]
    return output("doctor", worst=worst(rows).value, findings=found)


def _code(row: Finding) -> str | None:
    """The code of a sign or reason; an error has none."""
    if isinstance(row.cause, Sign):
        return row.cause.value
    return None if isinstance(row.cause, KatakeiError) else str(row.cause.code)
